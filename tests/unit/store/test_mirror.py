from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from commands.domain.errors import StateLostError, TamperedJournalError
from commands.store.codec import Codec
from commands.store.mirror import Mirror
from tests.fakes.events import ADAPTER, KEY, AnyEvent, Noted
from tests.fakes.store import MemoryJournal, MemoryStreams

AT = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


@pytest.fixture
def mirror(tmp_path: Path) -> Mirror:
    return Mirror(tmp_path / "state", "production")


def written(name: str, *words: str) -> MemoryJournal[AnyEvent]:
    journal = MemoryJournal(Codec("production", ADAPTER, KEY), MemoryStreams())
    journal.append([(name, 0, [Noted(note=word) for word in words])], AT)
    return journal


def again(mirror: Mirror) -> Mirror:
    """The mirror as another process finds it."""
    return Mirror(mirror.state_dir, mirror.environment)


def test_what_was_kept_is_known_to_the_next_process(mirror: Mirror) -> None:
    """Entries are on the disk, once each, however often they are kept."""
    entries = written("RB-7", "a", "b").read("RB-7")

    mirror.keep("RB-7", entries[:1])
    again(mirror).keep("RB-7", entries)
    mirror.keep("RB-7", entries[1:], after=1)

    assert again(mirror).length("RB-7") == 2
    assert mirror.hashes() == {"RB-7": tuple(e.hash for e in entries)}
    assert len(mirror.path.read_bytes().splitlines()) == 2


def test_a_journal_that_became_shorter_is_refused(mirror: Mirror) -> None:
    """A Redis that lost entries is not acted upon, and the mirror stays as it was."""
    entries = written("RB-7", "a", "b").read("RB-7")
    mirror.keep("RB-7", entries)

    for lost in (entries[:1], []):
        with pytest.raises(StateLostError) as caught:
            again(mirror).keep("RB-7", lost)
        assert (caught.value.seen, caught.value.found) == (2, len(lost))
    assert again(mirror).length("RB-7") == 2


def test_what_another_process_mirrored_meanwhile_is_no_loss(mirror: Mirror) -> None:
    """Read first, and mirrored after somebody's newer entry was: nothing is lost."""
    entries = written("RB-7", "a", "b").read("RB-7")
    mirror.keep("RB-7", entries[:1])
    seen = mirror.length("RB-7")
    again(mirror).keep("RB-7", entries)

    mirror.keep("RB-7", entries[:1], seen=seen)

    assert mirror.length("RB-7") == 2
    with pytest.raises(StateLostError):
        mirror.keep("RB-7", entries[:1], seen=mirror.length("RB-7"))


def test_a_journal_with_another_past_is_refused(mirror: Mirror) -> None:
    """Entries of the same number with other content are named."""
    mirror.keep("RB-7", written("RB-7", "a", "b").read("RB-7"))

    with pytest.raises(TamperedJournalError) as caught:
        again(mirror).keep("RB-7", written("RB-7", "a", "B", "c").read("RB-7"))

    # Even the first differs: every append has a mark of its own.
    assert caught.value.position == 1


def test_copying_follows_a_journal(mirror: Mirror) -> None:
    """Copying takes what is new, and notices a journal that was lost or replaced since."""
    journal = written("RB-7", "a", "b")
    mirror.copy(journal, "RB-7")
    journal.append([("RB-7", 2, [Noted(note="c")])], AT)
    mirror.copy(journal, "RB-7")
    mirror.copy(journal, "RB-7")
    assert mirror.length("RB-7") == 3

    with pytest.raises(StateLostError):
        again(mirror).copy(written("RB-7", "a"), "RB-7")
    with pytest.raises(TamperedJournalError):
        again(mirror).copy(written("RB-7", "a", "b", "c"), "RB-7")
    with pytest.raises(TamperedJournalError):
        again(mirror).copy(written("RB-7", "a", "b", "c", "d"), "RB-7")
    assert mirror.length("RB-7") == 3


def test_half_a_line_is_forgotten(mirror: Mirror) -> None:
    """A crash in the middle of a write leaves what was whole, and writing goes on."""
    entries = written("RB-7", "a", "b").read("RB-7")
    mirror.keep("RB-7", entries)
    whole = mirror.path.read_bytes()

    for cut in range(whole.index(b"\n") + 2, len(whole), 37):
        mirror.path.write_bytes(whole[:cut])
        fresh = again(mirror)
        assert fresh.length("RB-7") == 1
        fresh.keep("RB-7", entries)
        assert mirror.path.read_bytes() == whole


def test_a_line_that_was_changed_or_removed_is_noticed(mirror: Mirror) -> None:
    """The mirror's own gaps and garbage are errors, not silence."""
    mirror.keep("RB-7", written("RB-7", "a", "b").read("RB-7"))
    first, second = mirror.path.read_bytes().splitlines(keepends=True)

    for damaged in (second, first + b"garbage\n"):
        mirror.path.write_bytes(damaged)
        with pytest.raises(TamperedJournalError):
            again(mirror).length("RB-7")


def test_the_highest_number_survives_an_emptied_redis(mirror: Mirror) -> None:
    """RB-17 is remembered by the host; the environment's own journal is no number."""
    assert mirror.highest_number() == 0
    for name in ("env", "RB-9", "RB-17"):
        mirror.keep(name, written(name, "a").read(name))

    assert again(mirror).highest_number() == 17
