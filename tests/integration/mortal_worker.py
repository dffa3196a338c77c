"""A job process that kills itself -9 where an outcome is written: right before, or right after."""

from __future__ import annotations

import os
import signal
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from multiprocessing import get_context
from typing import Literal

from commands.domain.events import EnvironmentEvent, KeptDropped, RollbackEvent, StepDone
from commands.domain.state import RollbackState
from commands.store.book import Book
from commands.store.opening import open_store
from tests.integration.database_rollback import Apart, DatabaseRollback
from workers import jobs
from workers.lease import Lease

Moment = Literal["before", "after"]
LETTING_GO = "letting go"
"""What is no step of the plan: the kept databases' end."""

_LET_GO = 0

MOST_STEPS = 60
_STRUCK = -signal.SIGKILL
_CONTEXT = get_context("forkserver")
# Everything is imported once: a process that lives for one step begins within milliseconds.
_CONTEXT.set_forkserver_preload([__name__])


@dataclass(slots=True)
class MortalBook(Book):
    """Dies `before` it writes its first outcome, which nobody knows of then, or right `after` it.

    `at` are the steps whose outcomes those are.
    """

    dies: Moment = "after"
    at: Collection[int] = ()

    def append(
        self,
        rollback: RollbackState,
        *events: RollbackEvent,
        environment: Sequence[EnvironmentEvent] = (),
        others: Sequence[tuple[RollbackState, Sequence[RollbackEvent]]] = (),
    ) -> None:
        """As `Book.append`; kills the process at an outcome."""
        done = {event.step for event in events if isinstance(event, StepDone)}
        done |= {_LET_GO for event in events if isinstance(event, KeptDropped)}
        strikes = not done.isdisjoint(self.at)
        if strikes and self.dies == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        Book.append(self, rollback, *events, environment=environment, others=others)
        if strikes:
            os.kill(os.getpid(), signal.SIGKILL)


def killed_at_outcomes(case: DatabaseRollback, rollback: str, *kinds: str) -> int:
    """Drive it by one mortal process after another until nothing is due; how many died.

    Each step of those kinds (none: each step) has two of them: one dies with its effect made and
    not written, the next one at the boundary behind it.
    """
    for struck in range(2 * MOST_STEPS):
        moment: Moment = "after" if struck % 2 else "before"
        told = case.apart(), rollback, moment, _numbered(case, rollback, kinds)
        process = _CONTEXT.Process(target=_live, args=told)
        process.start()
        process.join()
        assert process.exitcode in (0, _STRUCK)
        if process.exitcode == 0:
            return struck
    raise AssertionError(f"{rollback} goes on for ever")


def _numbered(case: DatabaseRollback, rollback: str, kinds: tuple[str, ...]) -> Collection[int]:
    plan = case.state(rollback).plan
    if not kinds or plan is None:
        return range(MOST_STEPS)
    planned = {step.number for step in plan.steps if step.action.kind in kinds}
    return planned | ({_LET_GO} if LETTING_GO in kinds else set())


def _live(told: Apart, rollback: str, dies: Moment, at: Collection[int]) -> None:
    host = told.host()
    store = open_store(host.access, mirrored=True)
    book = store.book
    mortal = MortalBook(book.journal, book.name, book.mirror, dies=dies, at=at)
    with Lease(told.folder, host.environment).acquire(60, rollback) as held:
        jobs.assemble(host, replace(store, book=mortal), rollback, held.fd).drive(rollback)
