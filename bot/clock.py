"""Deadlines and lost runs. Everything is a function of state and now: nothing to lose."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from bot.pauses import Pauses
from bot.rounds import Rounds
from commands.domain.command import Tick
from commands.domain.decide.clock import LOST_AFTER
from commands.domain.due import work_due
from commands.domain.errors import (
    RequestError,
    StateLostError,
    StoreError,
    StoreFullError,
    TamperedJournalError,
    UnknownEventError,
)
from commands.domain.observed import ObservedRecord
from commands.domain.proof import Verdict
from commands.domain.runbook import Runbook
from commands.domain.state import RollbackState, Status
from commands.domain.text import Text, text
from commands.handlers import Service
from commands.ports import Clock
from commands.store.queue import LiveWorker
from commands.store.records import Observed

log = structlog.get_logger()

EVERY_S = 1.0
RECENT = 30
AGAIN = (StoreError, RequestError)
"""Waited for: a journal too busy to write in is a refusal, and the next look is in a second."""

STALE_S = 60.0
"""An observer's record older than this says nothing about now."""


@dataclass(slots=True, kw_only=True)
class Deadlines:
    """Watches every environment: expiry, the end of the watch, lost workers, lost runs."""

    runbook: Runbook
    services: Mapping[str, Service]
    clock: Clock
    pauses: Pauses = field(default_factory=Pauses)
    rounds: Rounds = field(default_factory=Rounds)
    _called_at: dict[tuple[str, str], float] = field(default_factory=dict)
    _full_at: dict[str, float] = field(default_factory=dict)

    async def run(self) -> None:
        """Look every second, until cancelled. A store that is away is waited for."""
        while True:
            for environment, service in self.services.items():
                with self.rounds.survived("clock", environment):
                    try:
                        await self.look(environment, service)
                    except AGAIN as error:
                        log.warning(
                            "clock_waits_for_store", environment=environment, why=str(error)
                        )
            await asyncio.sleep(EVERY_S)

    async def look(self, environment: str, service: Service) -> None:
        """One look at one environment. Raises store errors; that it is full, after all of it."""
        state = await service.book.environment()
        names = {*tuple(state.opened)[-RECENT:], *state.open}
        workers = await service.workers()
        refused: StoreFullError | None = None
        for name in names:
            with self.rounds.survived("clock", f"{environment}/{name}", passing=AGAIN):
                refused = await self._look_at(environment, service, name, workers) or refused
        if refused is not None:
            raise refused

    async def _look_at(
        self, environment: str, service: Service, name: str, workers: Sequence[LiveWorker]
    ) -> StoreFullError | None:
        """One rollback. Raises store errors; that it is full is returned."""
        try:
            rollback = await service.book.rollback(name)
        except (TamperedJournalError, StateLostError, UnknownEventError):
            # The relay tells people; the environment's other rollbacks keep their deadlines.
            return None
        if rollback is None:
            return None
        self.pauses.look(environment, rollback, self.clock.now())
        if _over(rollback):
            return None
        try:
            await self._tick(environment, service, rollback, workers)
        except StoreFullError as error:
            self._stands_still(environment, rollback)
            return error
        return None

    def _stands_still(self, environment: str, rollback: RollbackState) -> None:
        """The relays tell people. A worker is called again as soon as there is room."""
        self._full_at[environment] = time.monotonic()
        self._called_at.pop((environment, rollback.id), None)
        self.pauses.begin(environment, rollback, self.clock.now())

    async def _tick(
        self,
        environment: str,
        service: Service,
        rollback: RollbackState,
        workers: Sequence[LiveWorker],
    ) -> None:
        verdict, figure = watched(rollback, await service.observed())
        tick = Tick(
            worker_alive=bool(workers) or self._unheard(environment, rollback),
            job_stopped=_stopped(workers),
            watch=verdict,
            watch_figure=figure,
        )
        now = self.clock.now()
        decision = await service.book.carry(tick, rollback.id, self.runbook, now)
        if decision.work:
            # A job that waits already needs no write to be called again, its worker does.
            await service.must_have_room()
        if decision.work and self._may_call(environment, rollback.id, fresh=not decision.empty):
            await service.call_worker(rollback.id)

    def _unheard(self, environment: str, rollback: RollbackState) -> bool:
        """A full Redis refuses heartbeats too: silence says nothing until a while after that."""
        since = time.monotonic() - self._full_at.get(environment, -math.inf)
        return rollback.worker_lost_at is None and since < LOST_AFTER.total_seconds()

    def _may_call(self, environment: str, name: str, *, fresh: bool) -> bool:
        """A lost run is called again every ten seconds, not every second."""
        now, last = time.monotonic(), self._called_at.get((environment, name), 0.0)
        if not fresh and now - last < LOST_AFTER.total_seconds():
            return False
        self._called_at[environment, name] = now
        return True


def _stopped(workers: Sequence[LiveWorker]) -> Text | None:
    """Which job process stands still; whoever waits for its lease cannot help."""
    for worker in workers:
        if worker.stopped_pid:
            pid = str(worker.stopped_pid)
            return text("status.worker_stopped", pid=pid, host=worker.hostname)
    return None


def watched(
    state: RollbackState, observed: Observed[ObservedRecord] | None
) -> tuple[Verdict, Text | None]:
    """How the services have been since the rollback ended; no fresh record is unknown."""
    if observed is None or observed.age.total_seconds() > STALE_S or state.plan is None:
        return Verdict.UNKNOWN, text("watch.no_observer")
    since = state.ended_at
    verdicts = []
    for target in state.plan.targets:
        seen = observed.record.of(target.service)
        if seen and seen.running and not seen.running.runs(target.digest):
            return Verdict.UNKNOWN, text("watch.replaced", service=target.service)
        steady = seen and seen.since_at and since and seen.since_at <= since
        if seen is None or seen.health is Verdict.UNKNOWN:
            verdicts.append(Verdict.UNKNOWN)
        elif seen.health is Verdict.OK and (steady or seen.failures == 0):
            verdicts.append(Verdict.OK)
        else:
            verdicts.append(Verdict.BAD)
    order = (Verdict.OK, Verdict.UNKNOWN, Verdict.BAD)
    worst = max(verdicts, key=order.index, default=Verdict.UNKNOWN)
    services = tuple(t.service for t in state.plan.targets)
    return worst, text(f"watch.{worst.value}", services=services)


def _over(state: RollbackState) -> bool:
    """Ended, cleaned up, nothing left to watch, to ask people or to do."""
    if not state.status.ended or not state.cleaned_up():
        return False
    if state.question is not None or work_due(state):
        return False
    return state.status is not Status.SUCCEEDED or state.closed_at is not None
