"""A proof: what it writes down, and what it leaves behind."""

from __future__ import annotations

import pytest

from commands.domain.errors import BackupInvalidError, DatabaseUnavailableError
from tests.fakes.clock import FixedClock
from tests.fakes.database import FakeBackups, FakeContent, FakeDatabase, FakeShelf
from workers.proving import Proof, different

COUNTS = {"users": 3, "projects": 9}


@pytest.fixture
def server() -> FakeDatabase:
    shelf, clock = FakeShelf(), FixedClock()
    made = FakeDatabase({"samokoder": FakeContent(COUNTS, ("r06",))}, shelf, clock)
    made.dump("samokoder", FakeBackups(shelf, clock).new_path("samokoder", "RB-17"), 60)
    return made


def test_a_proven_backup_says_so_and_its_copy_stays(server: FakeDatabase) -> None:
    """The rehearsal runs on what the proof restored; a leftover of that name is dropped first."""
    backups = FakeBackups(server.shelf, server.clock)
    (record,) = backups.listed("samokoder")
    server.databases["scratch"] = FakeContent({"old": 1})

    proven = Proof(backups, server, server.clock, like="samokoder").of(record, "scratch", 60)

    assert proven.proven_at == server.clock.now()
    assert backups.listed("samokoder") == (proven,)
    assert server.counts("scratch", 60) == COUNTS
    assert server.is_whole("scratch")


def test_a_backup_that_is_refused_is_noted_with_the_reason(server: FakeDatabase) -> None:
    """Also one that was proven once: nobody will take it for a good one again."""
    backups = FakeBackups(server.shelf, server.clock)
    (record,) = backups.listed("samokoder")
    once = record.model_copy(update={"proven_at": server.clock.now()})
    server.shelf.damaged.add(backups.path(record.name))

    with pytest.raises(BackupInvalidError):
        Proof(backups, server, server.clock).of(once, "scratch", 60)

    (noted,) = backups.listed("samokoder")
    assert (noted.proven_at, noted.why) == (None, "truncated")


def test_a_server_that_is_away_is_no_fault_of_the_backup(server: FakeDatabase) -> None:
    """Its note stays as it was."""
    backups = FakeBackups(server.shelf, server.clock)
    (record,) = backups.listed("samokoder")
    server.fails["restore"] = DatabaseUnavailableError(database="scratch", why="is away")

    with pytest.raises(DatabaseUnavailableError):
        Proof(backups, server, server.clock).of(record, "scratch", 60)

    assert backups.listed("samokoder") == (record,)


@pytest.mark.parametrize("why", ["missing", "unreadable_folder"])
def test_a_folder_that_is_away_takes_no_proof_away(server: FakeDatabase, why: str) -> None:
    """A share that is not mounted says nothing of the bytes on it."""
    backups = FakeBackups(server.shelf, server.clock)
    (record,) = backups.listed("samokoder")
    once = record.model_copy(update={"proven_at": server.clock.now()})
    backups.note(once)
    server.fails["restore"] = BackupInvalidError(record.name, why)

    with pytest.raises(BackupInvalidError):
        Proof(backups, server, server.clock).of(once, "scratch", 60)

    assert backups.listed("samokoder") == (once,)


def test_every_difference_is_named() -> None:
    """Fewer rows, a table too few and a table too many."""
    found = different({"a": 1, "b": 2, "c": 3}, {"a": 1, "b": 3, "d": 4})

    assert found == ("b 2/3", "c 3/-", "d -/4")
