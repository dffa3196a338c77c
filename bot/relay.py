"""Journal to channels: an outbox that posts what is missing and edits what changed.

Latest wins: a card is rendered when it is sent. What was posted is in the journal, so a restarted
relay goes on; a message that is gone is posted anew. One sender per platform, so that one chat's
outage holds up nobody else's.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import structlog

from bot.alarm import Alarm
from bot.cards.view import View
from bot.outbox import Wanted, final_first, looked_at, place, wanted
from commands.domain.conversation import Address, Card, MessageRef
from commands.domain.errors import ChatError, ChatGoneError, RequestError, StoreError
from commands.domain.events import Posted, PostLost
from commands.domain.runbook import Channel, Runbook
from commands.domain.state import RollbackState
from commands.handlers import Service
from commands.ports import Chat, Clock
from commands.store.keys import ENVIRONMENT_JOURNAL

log = structlog.get_logger()

PACE_S = {"slack": 1.0, "telegram": 3.0, "console": 0.1}
"""At most one edit per card in this time (Slack: 1/s a channel; Telegram: 20/min a group)."""

LOOK_S = 0.1
BACK_OFF_S = 2.0
GIVE_UP_S = 30.0

REDRAW_S = 10.0
"""So often a card is drawn anew while a step runs: its time and its overrun are seen."""


@dataclass(slots=True)
class Sent:
    """What one message showed last, and when it was sent (monotonic seconds)."""

    card: Card | None
    at: float


@dataclass(slots=True, kw_only=True)
class Relay:
    """Relays every environment to one platform.

    `keep` False is a terminal: posts are not journaled, and what had ended before it was opened
    is not shown. `only` is the one rollback to be shown.
    """

    chat: Chat
    runbook: Runbook
    services: Mapping[str, Service]
    clock: Clock
    keep: bool = True
    only: str = ""
    redraw_s: float = REDRAW_S
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    _flushed: asyncio.Event = field(default_factory=asyncio.Event)
    _dirty: dict[tuple[str, str], RollbackState] = field(default_factory=dict)
    _sent: dict[tuple[str, str, str], Sent] = field(default_factory=dict)
    _kept: dict[tuple[str, str, str], MessageRef] = field(default_factory=dict)
    _quiet_until: dict[str, float] = field(default_factory=dict)
    _alarm: Alarm = field(init=False)

    def __post_init__(self) -> None:
        """Nothing is read yet."""
        self._alarm = Alarm(self.chat, self.runbook.language)

    async def run(self) -> None:
        """Follow every environment and send, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for environment in self.services:
                tasks.create_task(self._follow(environment))
            tasks.create_task(self._send())

    async def settled(self) -> None:
        """Wait until nothing is left to be sent."""
        while self._dirty:
            await self._flushed.wait()
            self._flushed.clear()

    async def _follow(self, environment: str) -> None:
        """Mark what changed. A store that is away is waited for: the journal keeps everything."""
        positions: dict[str, int] = {}
        while True:
            try:
                await self._look(environment, positions)
            except StoreError as error:
                log.warning("relay_waits_for_store", environment=environment, why=str(error))
                await self._alarm.sound(environment, error, self._channels(environment))
                await asyncio.sleep(BACK_OFF_S)

    async def _look(self, environment: str, positions: dict[str, int]) -> None:
        book = self.services[environment].book
        state = await book.environment()
        for name in looked_at(state):
            rollback = await self._alarm.read(book, name, self._channels(environment))
            if rollback is None:
                positions.pop(name, None)
            elif positions.get(name) != rollback.position:
                first = name not in positions
                positions[name] = rollback.position
                if self._shown(rollback, first=first):
                    self._dirty[environment, name] = rollback
            elif self._grows_old(environment, rollback):
                self._dirty[environment, name] = rollback
        self.ready.set()
        await book.journal.follow({ENVIRONMENT_JOURNAL: state.position, **positions}, block_s=1.0)
        # Inbox entries come in bursts, and none of them changes a card by itself.
        await asyncio.sleep(LOOK_S)

    def _shown(self, rollback: RollbackState, *, first: bool) -> bool:
        if self.only:
            return rollback.id == self.only
        over = rollback.status.ended and not self.ready.is_set()
        return self.keep or not (first and over)

    def _grows_old(self, environment: str, rollback: RollbackState) -> bool:
        """Whether a running step's card was last drawn too long ago."""
        if not (rollback.status.moving and rollback.in_flight):
            return False
        drawn = [
            sent.at
            for (where, name, key), sent in self._sent.items()
            if (where, name) == (environment, rollback.id) and key.startswith("card:")
        ]
        return bool(drawn) and time.monotonic() - max(drawn) >= self.redraw_s

    async def _send(self) -> None:
        while True:
            for (environment, name), state in sorted(self._dirty.items(), key=final_first):
                position = state.position
                if await self._flush(environment, state) and position == state.position:
                    self._dirty.pop((environment, name), None)
            self._flushed.set()
            await asyncio.sleep(LOOK_S)

    async def _flush(self, environment: str, state: RollbackState) -> bool:
        """Send what is due for one rollback; True when nothing is left."""
        view = View(state, self.runbook, self.runbook.language, self.clock.now())
        channels = self._channels(environment)
        done = True
        for message in wanted(view, self.chat.platform, channels):
            done = await self._deliver(environment, state, message) and done
        return done

    def _channels(self, environment: str) -> tuple[Channel, ...]:
        if self.chat.platform == "console":
            return (Channel(platform="console", channel=environment),)
        bound = self.runbook.environments[environment].channels
        return tuple(c for c in bound if c.platform == self.chat.platform)

    async def _deliver(self, environment: str, state: RollbackState, message: Wanted) -> bool:
        address = self._placed(environment, state, message)
        if address is None or time.monotonic() < self._quiet_until.get(place(address), 0.0):
            return False
        try:
            return await self._post_or_edit(environment, state, message, address)
        except ChatGoneError as error:
            self._quiet_until[place(address)] = time.monotonic() + BACK_OFF_S
            await self._lost(environment, state, message, error.moved_to or "")
            log.warning("message_gone", key=message.key, why=str(error))
        except (ChatError, StoreError, RequestError) as error:
            wait = getattr(error, "retry_after_s", None) or BACK_OFF_S
            self._quiet_until[place(address)] = time.monotonic() + min(wait, GIVE_UP_S)
            # A platform's own pace is no trouble; anything longer is.
            tell = log.debug if wait <= BACK_OFF_S else log.warning
            tell("message_waits", key=message.key, why=str(error))
        return False

    async def _post_or_edit(
        self, environment: str, state: RollbackState, message: Wanted, address: Address
    ) -> bool:
        name = (environment, state.id, message.key)
        reference = self._kept.get(name) or state.posted.get(message.key)
        if reference is None:
            card = message.card()
            delivery = f"{environment}/{state.id}/{message.key}"
            reference = await self.chat.post(address, card, delivery)
            self._sent[name] = Sent(card, time.monotonic())
            await self._record(environment, state, message.key, reference)
            return True
        return not message.live or await self._edit(name, message, reference)

    async def _edit(
        self, name: tuple[str, str, str], message: Wanted, reference: MessageRef
    ) -> bool:
        card, sent = message.card(), self._sent.get(name)
        if sent and sent.card == card:
            return True
        pace = PACE_S.get(self.chat.platform, 1.0)
        if sent and time.monotonic() - sent.at < pace:
            return False
        await self.chat.update(reference, card)
        self._sent[name] = Sent(card, time.monotonic())
        return True

    async def _record(
        self, environment: str, state: RollbackState, key: str, reference: MessageRef
    ) -> None:
        self._kept[environment, state.id, key] = reference
        if not self.keep:
            return
        posted = Posted(key=key, message=reference)

        def once(now: RollbackState) -> tuple[Posted, ...]:
            return () if key in now.posted else (posted,)

        await self.services[environment].book.append_rollback(state.id, once)

    async def _lost(
        self, environment: str, state: RollbackState, message: Wanted, moved_to: str
    ) -> None:
        self._kept.pop((environment, state.id, message.key), None)
        self._sent.pop((environment, state.id, message.key), None)
        if self.keep and (moved_to or message.key in state.posted):
            lost = PostLost(key=message.key, moved_to=moved_to)
            try:
                await self.services[environment].book.append_rollback(state.id, lambda _: (lost,))
            except (StoreError, RequestError) as error:
                # It is found gone again at the next edit.
                log.warning("loss_not_written", key=message.key, why=str(error))

    def _placed(self, environment: str, state: RollbackState, message: Wanted) -> Address | None:
        """The address, in its thread once the root is there, or where a group has moved to."""
        address = message.address
        if moved := state.moved.get(message.key):
            channel = address.channel.model_copy(update={"channel": moved})
            address = replace(address, channel=channel)
        if not message.under:
            return address
        root = self._kept.get((environment, state.id, message.under)) or state.posted.get(
            message.under
        )
        return replace(address, thread=root.message_id) if root else None
