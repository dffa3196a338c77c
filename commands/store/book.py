"""The journals as states: read, folded once, and written with compare-and-set.

Two shells over the same folds: `Book` blocks (worker, observer, shell), `AsyncBook` never does
(bot). A state that is handed out is the reader's own and only ever moves forward.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from commands.domain.command import Command
from commands.domain.decide import Case, Decision, decide
from commands.domain.errors import JournalConflictError, RefusedError
from commands.domain.events import (
    AnyEvent,
    EnvironmentEvent,
    Handled,
    RollbackEvent,
    RollbackOpened,
)
from commands.domain.observed import JournalMark
from commands.domain.runbook import Runbook
from commands.domain.state import EnvironmentState, RollbackState
from commands.store.async_journal import AsyncJournal
from commands.store.codec import Recorded
from commands.store.folded import Folded, Part
from commands.store.high_water import HighWater, compare
from commands.store.journal import Journal
from commands.store.keys import ENVIRONMENT_JOURNAL
from commands.store.mirror import Mirror
from commands.store.turns import Turns

MOST_CONFLICTS = 100
"""So many times in a row somebody was faster: then something else is wrong."""


@dataclass(slots=True)
class Book:
    """The worker's view of one environment's journals. Raises what `Journal` raises.

    With a `mirror`, whatever is read is on this host's disk before anybody acts on it, and a
    journal that is shorter than the mirror, or differs from it, raises.
    """

    journal: Journal[AnyEvent]
    name: str
    mirror: Mirror | None = None
    folded: Folded = field(init=False)

    def __post_init__(self) -> None:
        """Nothing is read yet."""
        self.folded = Folded(EnvironmentState(name=self.name))

    def environment(self) -> EnvironmentState:
        """The environment's state now."""
        self._refresh(ENVIRONMENT_JOURNAL)
        return self.folded.environment

    def rollback(self, rollback_id: str) -> RollbackState | None:
        """The rollback's state now; None if there is no such journal."""
        self._refresh(rollback_id)
        return self.folded.rollbacks.get(rollback_id)

    def entries(self, name: str) -> list[Recorded[AnyEvent]]:
        """Every verified entry of a journal."""
        return self.journal.read(name)

    def append(
        self,
        rollback: RollbackState,
        *events: RollbackEvent,
        environment: Sequence[EnvironmentEvent] = (),
        others: Sequence[tuple[RollbackState, Sequence[RollbackEvent]]] = (),
    ) -> None:
        """Append to one or several journals, all or nothing, and fold the result.

        Raises JournalConflictError when anybody wrote since these states were read.
        """
        parts: list[Part] = [(rollback.id, rollback.position, events)] if events else []
        parts += [(other.id, other.position, said) for other, said in others]
        if environment:
            parts.append((ENVIRONMENT_JOURNAL, self.folded.environment.position, environment))
        self.journal.append(parts)
        for name, _, _ in parts:
            self._refresh(name)

    def note(self, decide_on: Callable[[EnvironmentState], Sequence[EnvironmentEvent]]) -> None:
        """Append what a function of the environment's state says; decided again on a conflict."""
        for _ in range(MOST_CONFLICTS):
            state = self.environment()
            events = decide_on(state)
            if not events:
                return
            try:
                self.journal.append([(ENVIRONMENT_JOURNAL, state.position, events)])
            except JournalConflictError:
                continue
            self._refresh(ENVIRONMENT_JOURNAL)
            return
        raise JournalConflictError(ENVIRONMENT_JOURNAL, 0, 0)

    def _refresh(self, name: str) -> None:
        after = self.folded.position(name)
        # Also when nothing is new: another process of this host may have seen more.
        seen = self.mirror.length(name) if self.mirror is not None else 0
        entries = self.journal.read(name, after)
        if self.mirror is not None and (entries or seen != after):
            self.mirror.keep(name, entries, after, seen)
        self.folded.take(name, entries)


@dataclass(slots=True)
class AsyncBook:
    """The bot's view of one environment's journals. Raises what `AsyncJournal` raises.

    With a `high_water` mark, an environment's journal that does not reach up to it, or differs
    there, raises too; so it does, when a number is given out, against what the worker's host has
    `seen_by_host`. No number is given out twice.
    """

    journal: AsyncJournal[AnyEvent]
    name: str
    high_water: HighWater | None = None
    seen_by_host: Callable[[], Awaitable[JournalMark | None]] | None = None
    folded: Folded = field(init=False)
    _turns: Turns = field(default_factory=Turns)

    def __post_init__(self) -> None:
        """Nothing is read yet."""
        self.folded = Folded(EnvironmentState(name=self.name))

    async def environment(self) -> EnvironmentState:
        """The environment's state now."""
        await self._refresh(ENVIRONMENT_JOURNAL)
        return self.folded.environment

    async def rollback(self, rollback_id: str) -> RollbackState | None:
        """The rollback's state now; None if there is no such journal."""
        await self._refresh(rollback_id)
        return self.folded.rollbacks.get(rollback_id)

    async def entries(self, name: str) -> list[Recorded[AnyEvent]]:
        """Every verified entry of a journal."""
        return await self.journal.read(name)

    async def carry(
        self,
        command: Command,
        rollback_id: str,
        runbook: Runbook,
        now: datetime,
        delivery_id: str = "",
    ) -> Decision:
        """Decide and append; decided again when somebody was faster. Returns the decision made.

        With a `delivery_id` the inbox entry is marked handled in the same append, so that a crash
        can never carry the same words out twice. Raises RequestError (nothing was written) and
        store errors.
        """
        for _ in range(MOST_CONFLICTS):
            async with self._turns.taken():
                try:
                    return await self._decided(command, rollback_id, runbook, now, delivery_id)
                except JournalConflictError:
                    continue
        raise RefusedError("refused.too_busy")

    async def append_environment(
        self, decide_on: Callable[[EnvironmentState], Sequence[EnvironmentEvent]]
    ) -> bool:
        """Append what a function of the state says; False if it says nothing."""
        for _ in range(MOST_CONFLICTS):
            async with self._turns.taken():
                state = await self.environment()
                events = decide_on(state)
                if not events:
                    return False
                try:
                    await self._append([(ENVIRONMENT_JOURNAL, state.position, events)])
                except JournalConflictError:
                    continue
                return True
        raise RefusedError("refused.too_busy")

    async def append_rollback(
        self, rollback_id: str, decide_on: Callable[[RollbackState], Sequence[RollbackEvent]]
    ) -> bool:
        """Likewise for one rollback; False if there is no such journal or nothing to say."""
        for _ in range(MOST_CONFLICTS):
            state = await self.rollback(rollback_id)
            events = decide_on(state) if state else ()
            if state is None or not events:
                return False
            try:
                await self._append([(rollback_id, state.position, events)])
            except JournalConflictError:
                continue
            return True
        raise RefusedError("refused.too_busy")

    async def _decided(
        self, command: Command, rollback_id: str, runbook: Runbook, now: datetime, delivery_id: str
    ) -> Decision:
        rollback = await self.rollback(rollback_id) if rollback_id else None
        case = Case(await self.environment(), rollback)
        seen, pending = case.environment.seen, case.environment.pending
        if delivery_id in seen and delivery_id not in pending:
            # Another process of ours, or an earlier attempt of this one, has carried it out.
            return Decision()
        decision = decide(case, command, runbook, now)
        if decision.empty:
            return decision
        if any(isinstance(event, RollbackOpened) for event in decision.environment):
            await self._must_be_what_the_host_saw()
        if delivery_id in pending:
            handled = Handled(delivery_id=delivery_id, outcome=decision.rollback_id)
            decision = replace(decision, environment=(*decision.environment, handled))
        if decision.rollback and decision.rollback_id != rollback_id:
            await self._refresh(decision.rollback_id)
        await self._append(self.folded.parts(decision))
        return decision

    async def _must_be_what_the_host_saw(self) -> None:
        """Raises StateLostError and TamperedJournalError.

        Its record is asked first: an honest journal only grows meanwhile.
        """
        mark = await self.seen_by_host() if self.seen_by_host is not None else None
        if mark is not None:
            compare(mark, await self.journal.read(ENVIRONMENT_JOURNAL, mark.n - 1))

    async def _append(self, parts: list[Part]) -> None:
        await self.journal.append(parts)
        for name, _, _ in parts:
            await self._refresh(name)

    async def _refresh(self, name: str) -> None:
        after = self.folded.position(name)
        entries = await self.journal.read(name, after)
        if name == ENVIRONMENT_JOURNAL and self.high_water is not None:
            if not after:
                self.high_water.check(entries)
            numbered = (n for n in reversed(entries) if isinstance(n.event, RollbackOpened))
            if latest := next(numbered, None):
                self.high_water.keep(latest)
        self.folded.take(name, entries)
