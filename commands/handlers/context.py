"""What a handler works with: who speaks, where, and the environment's journals."""

from __future__ import annotations

from dataclasses import dataclass, replace

from commands.domain.command import Actor, Command
from commands.domain.decide import Decision
from commands.domain.errors import RefusedError, RequestError
from commands.domain.events import Refused
from commands.domain.observed import ObservedRecord
from commands.domain.people import Identity, PersonId
from commands.domain.runbook import Channel, Runbook
from commands.domain.state import RollbackState
from commands.ports import Clock
from commands.store.book import AsyncBook
from commands.store.opening import AsyncStore
from commands.store.queue import LiveWorker
from commands.store.records import Observed


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One environment as the bot (or the shell) sees it."""

    store: AsyncStore
    clock: Clock

    @property
    def environment(self) -> str:
        """The environment's name."""
        return self.store.environment

    @property
    def book(self) -> AsyncBook:
        """Its journals."""
        return self.store.book

    async def workers(self) -> tuple[LiveWorker, ...]:
        """The workers that are alive for this environment."""
        return await self.store.workers(self.clock.now())

    async def observed(self) -> Observed[ObservedRecord] | None:
        """The observer's latest record with its age."""
        return await self.store.records.get(self.clock.now())

    async def must_have_room(self) -> None:
        """Raises StoreFullError when Redis takes no writes; safe to ask often."""
        await self.store.must_have_room()

    async def call_worker(self, rollback_id: str) -> None:
        """Enqueue a job; harmless when there is one already."""
        state = await self.book.rollback(rollback_id)
        if state is not None:
            await self.store.queue.enqueue(rollback_id, state.position)


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """One person's words in one place. `person` is None when the runbook does not know them."""

    service: Service
    runbook: Runbook
    person: PersonId | None
    identity: Identity
    home: Channel
    delivery_id: str = ""
    nonce: str = ""

    def pressed(self, nonce: str) -> Context:
        """The same, for a button."""
        return replace(self, nonce=nonce)

    def actor(self) -> Actor:
        """The person who orders. Raises RefusedError for somebody the runbook does not name."""
        if self.person is None:
            raise RefusedError(
                "refused.unknown_person",
                platform=self.identity.platform,
                account=":".join(filter(None, (self.identity.workspace, self.identity.user))),
            )
        return Actor(self.person, self.identity)

    async def rollback(self, rollback_id: str) -> RollbackState:
        """The rollback of that id. Raises RefusedError if this environment has none."""
        state = await self.service.book.rollback(rollback_id)
        if state is None:
            raise RefusedError(
                "refused.no_such_rollback", id=rollback_id, environment=self.service.environment
            )
        return state

    async def carry(self, command: Command, rollback_id: str = "") -> Decision:
        """Decide, append, and have a worker called when there is work.

        A refusal is journaled before it is raised: who tried what, and why not.
        """
        now = self.service.clock.now()
        if rollback_id:
            await self.rollback(rollback_id)
        try:
            decision = await self.service.book.carry(
                command, rollback_id, self.runbook, now, self.delivery_id
            )
        except RequestError as error:
            await self._audit(command, rollback_id, error)
            raise
        if decision.work:
            await self.service.call_worker(decision.rollback_id)
        return decision

    async def _audit(self, command: Command, rollback_id: str, error: RequestError) -> None:
        verb = type(command).__name__.lower()
        refused = Refused(identity=self.identity, verb=verb, reason=error.text)
        if rollback_id:
            await self.service.book.append_rollback(rollback_id, lambda _: (refused,))
        else:
            await self.service.book.append_environment(lambda _: (refused,))
