"""The desk: takes what listeners hand in, persists it, then answers it in the background.

Persist first, then acknowledge: what was accepted is in the environment's journal, and what is
there unanswered after a crash is answered at the next start, exactly once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field

import structlog

from bot import hearing
from bot.cards import error_card, reply_card
from bot.strangers import Strangers
from commands.domain.conversation import Card, Incoming, Standing, Suggestions
from commands.domain.errors import (
    ChatError,
    RefusedError,
    RequestError,
    RollbotError,
    StoreError,
    StoreFullError,
    StoreUnavailableError,
)
from commands.domain.events import EnvironmentEvent, Handled, Received, Refused
from commands.domain.people import Identity, Language
from commands.domain.reply import Reply
from commands.domain.runbook import Channel, Runbook
from commands.domain.state import EnvironmentState
from commands.domain.text import text
from commands.grammar import parse
from commands.handlers import Context, Service, handle
from commands.handlers.asking import suggestions
from commands.handlers.pressing import press
from commands.ports import Chat, Clock

log = structlog.get_logger()

ANSWER_AGAIN_S = 1.0
"""How often an answer is tried that was accepted just before the store went away."""


@dataclass(slots=True, kw_only=True)
class Desk:
    """Hears people of every environment. `chats` is filled once the platforms are connected."""

    runbook: Runbook
    services: Mapping[str, Service]
    clock: Clock
    chats: dict[str, Chat] = field(default_factory=dict)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _answering: set[str] = field(default_factory=set)
    _strangers: Strangers = field(default_factory=Strangers)

    async def accept(self, incoming: Incoming) -> bool:
        """Persist, and answer in the background. False: this delivery was seen before.

        Raises StoreUnavailableError, StoreFullError, or RefusedError for what is too long: then
        nothing was accepted. An outsider's words are not persisted, and seldom answered.
        """
        if hearing.is_outsider(
            incoming, self.runbook, bound=self._bound(incoming.home) is not None
        ):
            self._turn_away(incoming)
            return True
        hearing.must_be_short(incoming)
        environment = hearing.environment_of(incoming, self.runbook, self.services)
        book = self.services[environment].book

        def once(state: EnvironmentState) -> tuple[EnvironmentEvent, ...]:
            seen = incoming.delivery_id in state.seen
            return () if seen else (Received(incoming=incoming),)

        if not await book.append_environment(once):
            return False
        self._start(environment, incoming)
        return True

    async def resume(self) -> None:
        """Answer what was accepted before a crash and not handled."""
        for environment, service in self.services.items():
            state = await service.book.environment()
            for incoming in tuple(state.pending.values()):
                self._start(environment, incoming)

    async def drain(self) -> None:
        """Wait until everything accepted was answered."""
        while self._tasks:
            await asyncio.wait(tuple(self._tasks))

    def refusal(self, error: Exception, incoming: Incoming) -> Card:
        """A card for the sender alone, in their language."""
        language = self.language_of(incoming.identity, incoming.home)
        said = error.text if isinstance(error, RollbotError) else text("error.unexpected")
        return error_card(said, language)

    async def suggestions(self, channel: Channel) -> Suggestions | None:
        """What a form or menu offers in this channel; None if it is bound to no environment."""
        environment = self._bound(channel)
        if environment is None:
            return None
        service = self.services[environment]
        observed = await service.observed()
        record = observed.record if observed else None
        return suggestions(self.runbook, service, record, self.runbook.language)

    def language_of(self, identity: Identity, home: Channel) -> Language:
        """The language of private words to this person: theirs, else the runbook's."""
        del home
        person = self.runbook.people.get(self.runbook.person_of(identity) or "")
        return (person.language if person else None) or self.runbook.language

    def _bound(self, channel: Channel) -> str | None:
        return hearing.bound_environment(channel, self.runbook, self.services)

    def _start(self, environment: str, incoming: Incoming) -> None:
        if incoming.delivery_id in self._answering:
            # Accepted while what was left of the last start is taken up: answered already.
            return
        self._answering.add(incoming.delivery_id)
        self._aside(self._answer(environment, incoming))

    def _turn_away(self, incoming: Incoming) -> None:
        """Say once in a while who is heard here. What anybody can say is kept nowhere."""
        if self._strangers.is_due(incoming.identity, self.clock.now()):
            card = self.refusal(hearing.outsider(incoming), incoming)
            self._aside(self._whisper(incoming, card))

    def _aside(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, environment: str, incoming: Incoming) -> None:
        """The edge: whatever happens is told to the sender and written down."""
        told = False
        try:
            while not await self._answered(environment, incoming, told=told):
                told = True
                await asyncio.sleep(ANSWER_AGAIN_S)
        finally:
            self._answering.discard(incoming.delivery_id)

    async def _answered(self, environment: str, incoming: Incoming, *, told: bool) -> bool:
        """Whether it is done with. A store that is away, or full, is waited for."""
        try:
            card, outcome = await self._outcome(environment, incoming)
            await self._whisper(incoming, card)
            await self._handled(environment, incoming, outcome)
        except StoreError as error:
            # It stays pending in the journal.
            log.warning("answer_waits_for_store", delivery=incoming.delivery_id, why=str(error))
            if not told:
                await self._whisper(incoming, self._delay(error, incoming))
            return not isinstance(error, StoreUnavailableError | StoreFullError)
        except RequestError as error:
            # Answered, and only that is not written down: the next start answers it again.
            log.warning("answer_not_marked", delivery=incoming.delivery_id, why=str(error))
        return True

    def _delay(self, error: StoreError, incoming: Incoming) -> Card:
        """Accepted words are carried out later: "not accepted" would be untrue."""
        language = self.language_of(incoming.identity, incoming.home)
        match error:
            case StoreUnavailableError():
                return error_card(text("desk.waits_for_store"), language)
            case StoreFullError():
                return error_card(text("desk.waits_for_room"), language)
            case _:
                return self.refusal(error, incoming)

    async def _outcome(self, environment: str, incoming: Incoming) -> tuple[Card, str]:
        try:
            reply = await self.reply(environment, incoming)
            language = self.language_of(incoming.identity, incoming.home)
            card = reply_card(reply, self.runbook, language, self.clock.now())
        except StoreError:
            raise
        except RollbotError as error:
            return self.refusal(error, incoming), error.text.key
        except Exception:
            log.exception("answer_failed", delivery=incoming.delivery_id)
            return self.refusal(RollbotError(), incoming), "error.unexpected"
        return card, type(reply).__name__

    async def reply(self, environment: str, incoming: Incoming) -> Reply:
        """Understand and carry out. Raises RequestError and store errors."""
        await self._must_be_heard(environment, incoming)
        context = Context(
            service=self.services[environment],
            runbook=self.runbook,
            person=self.runbook.person_of(incoming.identity),
            identity=incoming.identity,
            home=incoming.home,
            delivery_id=incoming.delivery_id,
        )
        if incoming.kind == "button":
            spoken, nonce = press(incoming.words)
            return await handle(context, spoken, nonce)
        said = parse(incoming.words, self.runbook, environment)
        # What was carried out already, and only its answer was lost, is not old but done.
        if incoming.delivery_id in (await context.service.book.environment()).pending:
            language = self.language_of(incoming.identity, incoming.home)
            hearing.must_be_fresh(incoming, said, self.runbook, language, self.clock.now())
        return await handle(context, said)

    async def _must_be_heard(self, environment: str, incoming: Incoming) -> None:
        bound = self._bound(incoming.home) is not None
        try:
            hearing.must_be_welcome(incoming, self.runbook, bound=bound)
        except RefusedError:
            await self._audit(environment, incoming)
            raise
        if incoming.kind == "words" and not bound:
            hearing.must_name_environment(incoming.words, self.runbook, environment)

    async def _audit(self, environment: str, incoming: Incoming) -> None:
        verb = "unbound" if incoming.standing is Standing.MEMBER else "heard"
        reason = text("refused.audited", standing=incoming.standing.value)
        refused = Refused(identity=incoming.identity, verb=verb, reason=reason)
        await self.services[environment].book.append_environment(lambda _: (refused,))

    async def _whisper(self, incoming: Incoming, card: Card) -> None:
        chat = self.chats.get(incoming.identity.platform)
        if chat is None:
            return
        try:
            await chat.whisper(incoming, card)
        except ChatError as error:
            # The decision stands and the cards show it; only the private word is lost.
            log.warning("whisper_lost", delivery=incoming.delivery_id, why=str(error))
        except Exception:
            log.exception("whisper_failed", delivery=incoming.delivery_id)

    async def _handled(self, environment: str, incoming: Incoming, outcome: str) -> None:
        def if_pending(state: EnvironmentState) -> tuple[EnvironmentEvent, ...]:
            if incoming.delivery_id not in state.pending:
                return ()
            return (Handled(delivery_id=incoming.delivery_id, outcome=outcome),)

        await self.services[environment].book.append_environment(if_pending)
