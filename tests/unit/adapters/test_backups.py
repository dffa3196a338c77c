"""The folder of backups: names, notes, and whose files it deletes."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from commands.domain.database import BackupRecord
from commands.domain.errors import BackupInvalidError
from tests.fakes.clock import FixedClock
from workers.adapters import notes
from workers.adapters.backups import BackupFolder
from workers.adapters.partial_file import partial_file

OURS = "samokoder_20261122T030000Z_RB-17.dump.zst"
OLD = "samokoder_20261101_020000.sql.gz"


@pytest.fixture
def folder(tmp_path: Path) -> BackupFolder:
    return BackupFolder(tmp_path, FixedClock())


def _noted(
    folder: BackupFolder,
    name: str,
    *,
    age_days: float = 0,
    is_proven: bool = False,
    tables: tuple[str, ...] = (),
) -> BackupRecord:
    (folder.folder / name).write_bytes(b"x")
    taken_at = folder.clock.now() - timedelta(days=age_days)
    record = BackupRecord(
        name=name,
        database="samokoder",
        taken_at=taken_at,
        sha256="5e" * 32,
        by=notes.made_by(name),
        proven_at=folder.clock.now() if is_proven else None,
        tables=tables,
    )
    folder.note(record)
    return record


def test_a_name_tells_whose_and_when_and_by_whom(folder: BackupFolder) -> None:
    """What a person finds in the folder needs no note to be understood."""
    path = Path(folder.new_path("samokoder", "RB-17"))

    assert path.name == OURS
    assert notes.made_by(path.name) == "RB-17"
    assert notes.taken_at(path.name) == folder.clock.now()
    assert notes.made_by(Path(folder.new_path("samokoder", "../pre deploy")).name) == (
        "---pre-deploy"
    )


def test_a_taken_name_is_never_given_again(folder: BackupFolder) -> None:
    """Neither over a file nor over a note (H10)."""
    _noted(folder, OURS)

    second = Path(folder.new_path("samokoder", "RB-17"))

    assert second.name == OURS.replace(".dump", "_2.dump")
    assert notes.made_by(second.name) == "RB-17"


def test_files_without_a_note_are_listed_by_their_names(folder: BackupFolder) -> None:
    """The customer's own, and ours whose note was lost; nobody else's, and nothing half-written."""
    for name in (OLD, OURS, "samokoder.sql", ".x.partial", "samokoder_staging_2026.sql.gz", "a.md"):
        (folder.folder / name).write_bytes(b"x")
    os.utime(folder.folder / OLD, (0, 0))

    found = folder.listed("samokoder")

    assert {record.name for record in found} == {OLD, OURS, "samokoder.sql"}
    assert [record.proven_at for record in found] == [None] * 3
    assert found[-1].taken_at.year == 1970
    assert [record.database for record in folder.listed("samokoder_staging")] == [
        "samokoder_staging"
    ]


@pytest.mark.parametrize("content", [b"", b"{}", b"not json", b"\xff"])
def test_a_note_that_cannot_be_read_proves_nothing(folder: BackupFolder, content: bytes) -> None:
    """A backup whose note was damaged is listed as one that nobody has restored."""
    _noted(folder, OURS)
    (folder.folder / f"{OURS}.json").write_bytes(content)

    (found,) = folder.listed("samokoder")

    assert found.proven_at is None
    assert found.sha256 == ""


def test_a_note_that_was_copied_speaks_of_no_other_file(folder: BackupFolder) -> None:
    """A backup that was renamed together with its note is not proven by it."""
    record = _noted(folder, OURS)
    folder.note(record.model_copy(update={"proven_at": folder.clock.now()}))
    other = "samokoder_20261123T030000Z_hand.dump.zst"
    for ending in ("", ".json"):
        (folder.folder / f"{OURS}{ending}").rename(folder.folder / f"{other}{ending}")

    (found,) = folder.listed("samokoder")

    assert (found.name, found.proven_at) == (other, None)


def test_a_note_needs_its_file(folder: BackupFolder) -> None:
    """Nothing is written for a backup that is not there."""
    record = BackupRecord(name=OURS, database="samokoder", taken_at=folder.clock.now())

    with pytest.raises(BackupInvalidError):
        folder.note(record)


def test_pruning_leaves_strangers_files_alone(folder: BackupFolder) -> None:
    """Only what we made is deleted, its note with it: a stranger's has a note once it is proven."""
    (folder.folder / OLD).write_bytes(b"x")
    os.utime(folder.folder / OLD, (0, 0))
    (stranger,) = folder.listed("samokoder")
    folder.note(stranger.model_copy(update={"proven_at": folder.clock.now()}))
    _noted(folder, OURS, age_days=40)
    _noted(folder, OURS.replace("RB-17", "RB-18"), age_days=1)
    _noted(folder, "samokoder_forged.dump", age_days=99)

    gone = folder.prune("samokoder", keep_days=30, keep_at_least=1, needed=())

    assert gone == (OURS,)
    assert sorted(path.name for path in folder.folder.iterdir()) == sorted(
        [
            *(OLD, f"{OLD}.json", "samokoder_forged.dump", "samokoder_forged.dump.json"),
            *(OURS.replace("RB-17", "RB-18"), f"{OURS.replace('RB-17', 'RB-18')}.json"),
        ]
    )


def test_what_a_rollback_kept_has_no_age(folder: BackupFolder) -> None:
    """It may be all that is left of what was dropped; nor does it count as a backup of ours."""
    names = [OURS.replace("RB-17", by) for by in ("RB-1", "RB-2", "RB-3", "RB-17-kept", "RB-18")]
    for age, name in enumerate(names[:3], start=40):
        _noted(folder, name, age_days=age, is_proven=True)
    _noted(folder, names[3], age_days=400)
    _noted(folder, names[4], age_days=39, tables=("files",))
    _noted(folder, OURS, age_days=38)
    _noted(folder, OURS.replace("RB-17", "hand"), age_days=1)

    gone = folder.prune("samokoder", keep_days=30, keep_at_least=2, needed=())

    assert set(gone) == {OURS, names[2]}


def test_a_folder_that_is_not_there_has_no_backups(tmp_path: Path) -> None:
    """It is the survey that refuses: nothing is made on the way."""
    absent = BackupFolder(tmp_path / "absent", FixedClock())

    assert absent.listed("samokoder") == ()
    assert absent.free_bytes() is None
    assert not absent.folder.exists()


def test_what_is_no_file_in_the_folder_hides_no_backup(folder: BackupFolder) -> None:
    """A link to what was pruned, a folder, a pipe, a name that is no text: none is a backup."""
    _noted(folder, OURS)
    (folder.folder / "samokoder_1.dump").symlink_to("/nowhere/at/all")
    (folder.folder / "samokoder_2.dump").symlink_to("samokoder_2.dump")
    (folder.folder / "samokoder_3.dump").mkdir()
    os.mkfifo(folder.folder / "samokoder_4.dump")
    (Path(os.fsdecode(bytes(folder.folder) + b"/samokoder_5\xff.dump"))).write_bytes(b"x")

    assert [one.name for one in folder.listed("samokoder")] == [OURS]


def _odd(folder: Path) -> None:
    """What whoever may write to the folder could leave there."""
    note = "samokoder_{}.sql.gz.json"
    os.mkfifo(folder / note.format(1))
    (folder / note.format(2)).mkdir()
    (folder / note.format(3)).symlink_to("/dev/zero")
    (folder / note.format(4)).symlink_to(folder / f"{OURS}.json")
    with (folder / note.format(5)).open("wb") as file:
        file.truncate(notes.MOST_BYTES + 1)
    for n in range(1, 6):
        (folder / f"samokoder_{n}.sql.gz").write_bytes(b"x")
    (folder / f"samokoder_6{'a' * 235}.sql.gz").write_bytes(b"x")
    (folder / "samokoder_7.dump").symlink_to("a" * 300)
    (folder / OURS.replace("20261122", "20269999")).write_bytes(b"x")
    os.mkfifo(folder / "another.dump.json")
    (folder / "another.dump").write_bytes(b"x")


@pytest.mark.timeout(30)
def test_whatever_stands_in_a_notes_place_hides_no_backup(folder: BackupFolder) -> None:
    """A pipe, a folder, a link, 16 MB, a name with no room for a note: just no note."""
    _noted(folder, OURS, is_proven=True)
    _odd(folder.folder)

    found = folder.listed("samokoder")

    assert len(found) == 1 + 5 + 1 + 1
    assert [one.name for one in found if one.proven_at or one.sha256] == [OURS]
    assert [one.by for one in found if one.name != OURS] == [""] * 7
    assert len(folder.prune("samokoder", keep_days=0, keep_at_least=1, needed=())) == 0


@pytest.mark.timeout(30)
def test_a_note_is_closed_and_follows_no_link(folder: BackupFolder, tmp_path: Path) -> None:
    """Counts and names are nobody else's to read; a link there has nothing else overwritten."""
    other = tmp_path / "other"
    other.write_bytes(b"theirs")
    (folder.folder / f"{OURS}.json").symlink_to(other)
    taken = Path(folder.new_path("samokoder", "RB-17")).name

    _noted(folder, OURS)

    assert taken != OURS
    assert other.read_bytes() == b"theirs"
    assert (folder.folder / f"{OURS}.json").lstat().st_mode & 0o777 == 0o600


@pytest.mark.timeout(30)
def test_what_others_began_to_write_is_not_swept(folder: BackupFolder) -> None:
    """A pipe or a folder under such a name holds no backup up; only what we began goes."""
    os.mkfifo(folder.folder / f".{OURS.replace('RB-17', 'RB-1')}.partial")
    (folder.folder / f".{OURS.replace('RB-17', 'RB-2')}.partial").mkdir()
    (folder.folder / f".{OURS.replace('RB-17', 'RB-3')}.partial").symlink_to("/nowhere")
    (folder.folder / ".rsync.partial").write_bytes(b"theirs")
    (folder.folder / f".{OURS.replace('RB-17', 'RB-4')}.partial").write_bytes(b"half")
    before = sorted(folder.folder.iterdir())

    with partial_file(folder.folder / OURS) as written:
        written.write(b"x")
        written.keep()

    gone = {path.name for path in before} - {path.name for path in folder.folder.iterdir()}
    assert gone == {f".{OURS.replace('RB-17', 'RB-4')}.partial"}
    assert (folder.folder / OURS).read_bytes() == b"x"


def test_a_year_that_no_calendar_has_is_the_oldest() -> None:
    """A file's time is its owner's to set: it neither hides the others nor is the newest."""
    # A tmpfs keeps any number of seconds; other file systems cut it.
    with TemporaryDirectory(dir="/dev/shm") as name:
        folder = BackupFolder(Path(name), FixedClock())
        (folder.folder / OLD).write_bytes(b"x")
        _noted(folder, OURS)
        os.utime(folder.folder / OLD, (1e12, 1e12))

        assert [one.name for one in folder.listed("samokoder")] == [OURS, OLD]
