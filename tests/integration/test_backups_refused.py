"""What is no backup is refused, and the database is not touched (cases 45 and 46, hazard H3)."""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from commands.database_ports import Database
from commands.domain.errors import (
    BackupInvalidError,
    CommandFailedError,
    CommandTimedOutError,
    DatabaseError,
    DiskFullError,
    RollbotError,
)
from tests.engines.postgres_server import PostgresServer
from tests.engines.waiting import eventually
from tests.integration.postgres_port import LONG_S, Stage, port, staged
from workers.proving import Proof

pytestmark = pytest.mark.engine("postgresql")

CUTS = 50


@pytest.fixture
def stage(postgres_server: PostgresServer, tmp_path: Path) -> Iterator[Stage]:
    made = staged(postgres_server, tmp_path / "backups", "refused")
    made.folder.mkdir()
    yield made
    for name in (made.name, made.copy):
        postgres_server.drop_database(name)


def _dumped(stage: Stage) -> Path:
    path = Path(stage.backups.new_path(stage.name, "RB-17"))
    stage.database.dump(stage.name, str(path), LONG_S)
    return path


def _written_by_hand(stage: Stage, *options: str) -> bytes:
    argv = [f"{stage.server.programs}/pg_dump", *options, "--dbname", stage.server.dsn(stage.name)]
    return subprocess.run(argv, capture_output=True, check=True).stdout


def _why(database: Database, path: Path, into: str) -> str:
    with pytest.raises(BackupInvalidError) as caught:
        database.restore(str(path), into, LONG_S)
    return caught.value.why


@pytest.mark.parametrize("kind", ["ours", "gzip", "custom", "plain"])
def test_a_backup_cut_anywhere_is_refused(stage: Stage, kind: str) -> None:
    """At 50 places from its first byte to its last but one, with no note to compare it with."""
    whole = {
        "ours": lambda: _dumped(stage).read_bytes(),
        "gzip": lambda: gzip.compress(_written_by_hand(stage)),
        "custom": lambda: _written_by_hand(stage, "-Fc", "-Z0"),
        "plain": lambda: _written_by_hand(stage),
    }[kind]()
    # The last lines of plain SQL are empty comments: without them it is still whole.
    end = whole.rindex(b"complete") if kind == "plain" else len(whole)
    path = stage.folder / "cut.dump"
    reasons = set()

    for cut in range(CUTS):
        path.write_bytes(whole[: cut * (end - 1) // (CUTS - 1)])
        reasons.add(_why(stage.database, path, stage.copy))

    assert reasons <= {"empty", "truncated", "unreadable", "not_a_dump"}
    assert stage.is_untouched()


def test_a_backup_that_is_not_what_its_note_says_is_refused(stage: Stage) -> None:
    """One byte too few, and one byte that is another: both before anything is restored."""
    path = _dumped(stage)
    whole = path.read_bytes()

    path.write_bytes(whole[:-1])
    shorter = _why(stage.database, path, stage.copy)
    path.write_bytes(whole[:20] + bytes([whole[20] ^ 1]) + whole[21:])
    other = _why(stage.database, path, stage.copy)

    assert shorter == "size"
    assert other in ("garbled", "checksum", "unreadable")
    assert stage.is_untouched()


@pytest.mark.parametrize(
    ("script", "exit_code"),
    [("kill -9 $$", -9), ("exit 1", 1), ("exec 1>&-; exit 3", 3)],
    ids=["killed", "failed", "closed"],
)
def test_a_dump_that_does_not_end_well_leaves_nothing(
    stage: Stage, tmp_path: Path, script: str, exit_code: int
) -> None:
    """pg_dump is killed in the middle, or fails there: no file, no note, no session."""
    broken = port(stage.server, first_in_path=_half_a_dump(stage, tmp_path, script))

    with pytest.raises(CommandFailedError) as caught:
        broken.dump(stage.name, stage.backups.new_path(stage.name, "RB-17"), LONG_S)

    assert caught.value.exit_code == exit_code
    assert stage.left_over() == []
    assert stage.is_untouched()


def test_half_a_dump_that_says_it_is_whole_is_never_proven(stage: Stage, tmp_path: Path) -> None:
    """What a wrapper that hides the exit code leaves behind is found by reading it whole."""
    broken = port(stage.server, first_in_path=_half_a_dump(stage, tmp_path, "exit 0"))
    record = broken.dump(stage.name, stage.backups.new_path(stage.name, "RB-17"), LONG_S)
    backups = stage.backups

    with pytest.raises(BackupInvalidError):
        Proof(backups, stage.database, backups.clock).of(record, stage.copy, LONG_S)

    (noted,) = backups.listed(stage.name)
    assert noted.proven_at is None
    assert noted.why == "unreadable"
    assert stage.is_untouched()


def test_a_reader_that_is_lost_takes_no_proof_away(stage: Stage, tmp_path: Path) -> None:
    """What was proven stays so, and the error is the reader's; other bytes are another matter."""
    scripts = (
        "kill -9 $$",
        "exit 137",
        "echo 'Error response from daemon: No such container' >&2; exit 1",
        "echo 'pg_restore: error: out of memory' >&2; exit 1",
    )
    path, backups = _dumped(stage), stage.backups
    (record,) = backups.listed(stage.name)
    proven = record.model_copy(update={"proven_at": backups.clock.now()})
    backups.note(proven)
    programs = _program(tmp_path, "", "pg_restore")
    proof = Proof(backups, port(stage.server, first_in_path=programs), backups.clock)
    ended = []

    for script in scripts:
        (Path(programs) / "pg_restore").write_text(f"#!/bin/sh\n{script}\n")
        with pytest.raises(CommandFailedError) as caught:
            proof.of(proven, stage.copy, LONG_S)
        ended.append(caught.value.exit_code)
    noted = backups.listed(stage.name)
    path.write_bytes(path.read_bytes()[:-9] + b"otherwise")
    with pytest.raises(BackupInvalidError):
        proof.of(proven, stage.copy, LONG_S)

    assert ended == [-9, 137, 1, 1]
    assert noted == (proven,)
    assert backups.listed(stage.name)[0].proven_at is None


def test_a_dump_that_takes_too_long_is_ended(stage: Stage) -> None:
    """Somebody holds a table: the limit ends pg_dump and its session, and nothing is left."""
    with stage.server.connect(stage.name) as other, other.transaction():
        other.execute("LOCK TABLE words IN ACCESS EXCLUSIVE MODE")

        with pytest.raises(CommandTimedOutError):
            stage.database.dump(stage.name, stage.backups.new_path(stage.name, "RB-17"), 2)

    assert stage.left_over() == []
    assert stage.is_untouched()


def test_a_worker_that_is_told_to_stop_leaves_nothing(stage: Stage) -> None:
    """The interruption comes in the middle of the dump: no file stays, and no session."""

    class Stopped(BaseException):
        pass

    def stop(*_: object) -> None:
        raise Stopped

    def interrupt() -> None:
        waits = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        waits += " AND application_name LIKE '%pg_dump'"
        eventually(lambda: stage.server.query(waits), what="pg_dump waits for the table")
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)

    earlier = signal.signal(signal.SIGUSR1, stop)
    interrupter = threading.Thread(target=interrupt)
    try:
        with stage.server.connect(stage.name) as other, other.transaction():
            other.execute("LOCK TABLE words IN ACCESS EXCLUSIVE MODE")
            interrupter.start()
            with pytest.raises(Stopped):
                stage.database.dump(stage.name, stage.backups.new_path(stage.name, "x"), LONG_S)
    finally:
        interrupter.join()
        signal.signal(signal.SIGUSR1, earlier)

    assert stage.left_over() == []
    assert stage.is_untouched()


def test_the_password_is_in_no_error_and_no_command_line(stage: Stage, tmp_path: Path) -> None:
    """Neither what pg_dump says, nor what is said of it, holds the secret."""
    seen = tmp_path / "seen"
    nosy = port(
        stage.server,
        first_in_path=_program(
            tmp_path, f'tr "\\0" " " < /proc/$$/cmdline > {seen}; echo "$PGPASSWORD" >&2; exit 1'
        ),
    )

    with pytest.raises(CommandFailedError) as caught:
        nosy.dump(stage.name, stage.backups.new_path(stage.name, "RB-17"), LONG_S)

    assert "<password>" in caught.value.tail
    assert stage.server.password not in str(caught.value) + repr(nosy) + repr(nosy.where())
    assert "pg_dump" in seen.read_text()
    assert stage.server.password not in seen.read_text()


def test_an_archive_of_a_newer_kind_is_refused(stage: Stage) -> None:
    """An archive that this pg_restore cannot read is named as such, with what it said."""
    path = stage.folder / "newer.dump"
    path.write_bytes(b"PGDMP" + bytes([1, 99]) + _written_by_hand(stage, "-Fc", "-Z0")[7:])

    with pytest.raises(BackupInvalidError) as caught:
        stage.database.restore(str(path), stage.copy, LONG_S)

    assert caught.value.why == "unreadable"
    assert "version" in caught.value.found
    assert stage.is_untouched()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount a small disk")
def test_a_full_disk_leaves_no_partial_file(stage: Stage, tmp_path: Path) -> None:
    """The error says what is wrong, and nothing half-written is ever taken for a backup."""
    disk = tmp_path / "disk"
    disk.mkdir()
    with stage.server.connect(stage.name) as link:
        link.execute(
            "INSERT INTO noise SELECT n, gen_random_uuid()::text"
            " FROM generate_series(1, 100000) AS n"
        )
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], check=True)
    try:
        with pytest.raises(DiskFullError):
            stage.database.dump(stage.name, f"{disk}/refused_20261123T024100Z_RB-17.dump.zst", 60)

        assert list(disk.iterdir()) == []
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)
    assert stage.is_untouched()


def test_a_folder_that_is_not_there_is_named(stage: Stage) -> None:
    """No folder is made on the way: a mount that is missing must not fill the root disk."""
    with pytest.raises(BackupInvalidError) as caught:
        stage.database.dump(stage.name, str(stage.folder / "absent" / "x.dump.zst"), LONG_S)

    assert caught.value.why == "unwritable"


def test_what_a_killed_worker_left_is_swept_away(stage: Stage) -> None:
    """Its half-written file goes with the next dump; one that is being written stays."""
    (stage.folder / ".refused_20261120T000000Z_RB-9.dump.zst.partial").write_bytes(b"half")

    path = _dumped(stage)

    assert stage.left_over() == [path.name, f"{path.name}.json"]
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_restore_that_fails_says_so(stage: Stage) -> None:
    """A whole archive that the server does not take raises; it is never half a success."""
    path = _dumped(stage)
    with stage.server.connect(stage.copy) as link:
        link.execute("CREATE FUNCTION says() RETURNS text LANGUAGE sql AS 'SELECT 1::text'")

    with pytest.raises(RollbotError) as caught:
        stage.database.restore(str(path), stage.copy, LONG_S)

    assert isinstance(caught.value, CommandFailedError)
    assert "says" in caught.value.tail


def test_a_table_whose_rows_are_hidden_from_the_role_is_named(stage: Stage) -> None:
    """FORCE ROW LEVEL SECURITY: no backup with fewer rows, and no word of snapshots."""
    with stage.server.connect(stage.name) as link:
        link.execute("ALTER TABLE noise ENABLE ROW LEVEL SECURITY")
        link.execute("ALTER TABLE noise FORCE ROW LEVEL SECURITY")

    with pytest.raises(DatabaseError, match='row-level security policy for table "noise"'):
        _dumped(stage)

    assert stage.left_over() == []


def _half_a_dump(stage: Stage, folder: Path, ending: str) -> str:
    """A pg_dump that writes the first 3 KiB of a real one, and then ends so."""
    return _program(folder, f'{stage.server.programs}/pg_dump "$@" | head -c 3000; {ending}')


def _program(folder: Path, script: str, name: str = "pg_dump") -> str:
    programs = folder / "programs"
    programs.mkdir()
    (programs / name).write_text(f"#!/bin/sh\n{script}\n")
    (programs / name).chmod(0o755)
    return str(programs)
