"""What every witness must do: in memory, and in its file on the worker's host."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from commands.domain.errors import TamperedJournalError
from commands.store.redaction import Redactor
from commands.store.witness import OwnWord, Witness
from tests.fakes.witness import MemoryWitness

Make = Callable[[], Witness | MemoryWitness]


@pytest.fixture(params=["memory", "file"])
def another(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    """Makes a witness as another process of the same host has it."""
    if request.param == "memory":
        one = MemoryWitness()
        return lambda: one
    return lambda: Witness(tmp_path / "state", "production", lambda plain: plain)


def test_what_one_process_noted_the_next_one_says(another: Make) -> None:
    """Plan, start and captured states, of each rollback by itself, however often they are told."""
    for _ in range(2):
        another().planned("RB-7", "d1")
        another().captured("RB-7", 1, {"present": "no"})
        another().started("RB-7", "d1")
        another().captured("RB-7", 2, {"pin": "v1.3.0"})
    said = another().says("RB-7")

    assert (said.plan, said.started) == ("d1", True)
    assert said.saw(2, {"pin": "v1.3.0"})
    assert not said.saw(2, {"pin": "v6.6.6"})
    assert not said.saw(1, {"pin": "v1.3.0"})
    assert another().says("RB-8") == OwnWord()


def test_another_plan_is_another_beginning(another: Make) -> None:
    """After a new plan the old start and the old states count no longer."""
    witness = another()
    witness.planned("RB-7", "d1")
    witness.captured("RB-7", 1, {"present": "no"})
    witness.started("RB-7", "d1")

    witness.planned("RB-7", "d2")

    assert another().says("RB-7") == OwnWord(plan="d2")


def test_a_state_captured_twice_may_be_either(another: Make) -> None:
    """Killed before the journal was told, the next process captures again: both were seen here."""
    witness = another()
    witness.planned("RB-7", "d1")
    witness.captured("RB-7", 1, {"pin": "a"})
    another().captured("RB-7", 1, {"pin": "b"})
    witness.captured("RB-7", 2, {})

    said = witness.says("RB-7")
    assert said.saw(1, {"pin": "a"})
    assert said.saw(1, {"pin": "b"})
    assert 2 not in said.captured


def test_a_state_is_noted_as_the_journal_remembers_it(tmp_path: Path) -> None:
    """A secret in a captured state is masked there; what comes back is recognised, masked."""
    witness = Witness(tmp_path, "production", Redactor(["hunter22"]).data)
    witness.captured("RB-7", 1, {"pin": "hunter22"})

    assert witness.says("RB-7").saw(1, {"pin": "***"})
    assert "hunter22" not in witness.path.read_text()


def test_a_foreign_line_is_refused(tmp_path: Path) -> None:
    """A line that nobody of ours wrote, or a file that became shorter, is not believed."""
    witness = Witness(tmp_path, "production", lambda plain: plain)
    witness.planned("RB-7", "d1")
    witness.path.write_bytes(b"")
    with pytest.raises(TamperedJournalError):
        witness.says("RB-7")

    witness.path.write_bytes(b'{"r": "RB-7"}\n')
    with pytest.raises(TamperedJournalError):
        Witness(tmp_path, "production", lambda plain: plain).says("RB-7")
