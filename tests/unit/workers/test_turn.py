"""Proofs, rehearsals and restores beside production come one after another, on real locks."""

from __future__ import annotations

import os
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest

from commands.domain.errors import LeaseHeldError
from commands.domain.plan import EvidenceItem
from tests.engines.waiting import eventually
from workers.adapters.piping import NICE, piped
from workers.adapters.surroundings import Surroundings
from workers.lease import Lease
from workers.turn import REHEARSAL, Turn


def turn(folder: Path, holder: str, held: set[int] | None = None) -> Turn:
    lease = Lease(folder, f"production.{REHEARSAL}")
    return Turn(lease, holder, set() if held is None else held, ask_every_s=0.01)


def never() -> bool:
    return False


def unheard(item: EvidenceItem) -> None:
    raise AssertionError(item)


def test_two_are_never_at_work_at_once(tmp_path: Path) -> None:
    """The worker's waits for the one by hand, and says for whom; then it is its turn."""
    told: list[EvidenceItem] = []
    order: list[str] = []

    def second() -> None:
        with turn(tmp_path, "RB-17").taken(60, never, told.append) as is_ours:
            order.append(f"second {is_ours}")

    with turn(tmp_path, "rehearsal").taken(0, never, unheard):
        waiting = threading.Thread(target=second)
        waiting.start()
        eventually(lambda: told, what="it says that it waits")
        order.append("first")
    waiting.join()

    assert order == ["first", "second True"]
    assert [(item.name, item.ok) for item in told] == [("turn", None), ("turn", True)]
    assert told[0].found.endswith("rehearsal")


def test_nobody_waits_for_what_is_not_wanted_any_more(tmp_path: Path) -> None:
    """A rehearsal that people skip while it waits is left; without a word it ends in time."""
    told: list[EvidenceItem] = []
    with turn(tmp_path, "RB-17").taken(0, never, unheard):
        with turn(tmp_path, "RB-18").taken(60, lambda: True, told.append) as is_ours:
            assert not is_ours
        late = turn(tmp_path, "RB-19").taken(0, never, unheard)
        with pytest.raises(LeaseHeldError, match="RB-17"), late:
            pass


def test_a_program_holds_the_turn_until_it_ends(tmp_path: Path) -> None:
    """Whoever started it may be gone: while pg_restore works (after production) nobody begins."""
    around = Surroundings({"PATH": "/usr/bin:/bin"})
    with ExitStack() as work:
        with turn(tmp_path, "RB-17", around.held).taken(0, never, unheard):
            env, held = around.environment, tuple(around.held)
            cat = piped(("cat",), stream="stdin", timeout_s=60, env=env, held=held)
            program = work.enter_context(cat)
        own = os.getpriority(os.PRIO_PROCESS, 0)
        lowered = os.getpriority(os.PRIO_PROCESS, program.process.pid)
        assert lowered == min(19, own + NICE)
        late = turn(tmp_path, "RB-18").taken(0, never, unheard)
        with pytest.raises(LeaseHeldError), late:
            pass
        program.finished()
    with turn(tmp_path, "RB-18").taken(0, never, unheard) as is_ours:
        assert is_ours
    assert around.held == set()
