"""Journal to channels: an outbox that posts what is missing and edits what changed.

Latest wins: a card is rendered when it is sent. What was posted is in the journal, so a restarted
relay goes on; a message that is gone is posted anew. One sender per platform, so that one chat's
outage holds up nobody else's.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import structlog

from bot.alarm import Alarm
from bot.cards.view import View
from bot.outages import Outages
from bot.outbox import final_first, looked_at, paused, wanted
from bot.pauses import Pause, Pauses
from bot.posting import BACK_OFF_S, Posting
from bot.rounds import Rounds
from commands.domain.errors import StoreError, StoreUnavailableError
from commands.domain.runbook import Channel, Runbook
from commands.domain.state import RollbackState
from commands.handlers import Service
from commands.ports import Chat, Clock
from commands.store.book import AsyncBook
from commands.store.keys import ENVIRONMENT_JOURNAL

log = structlog.get_logger()

LOOK_S = 0.1

REDRAW_S = 10.0
"""So often a card is drawn anew while a step runs: its time and its overrun are seen."""


@dataclass(slots=True, kw_only=True)
class Relay:
    """Relays every environment to one platform.

    `keep` False is a terminal: posts are not journaled, and what had ended before it was opened
    is not shown. `only` is the one rollback to be shown. `pauses` are what the clock has found.
    `rounds` as a terminal has them end with the first error: somebody sits before it.
    """

    chat: Chat
    runbook: Runbook
    services: Mapping[str, Service]
    clock: Clock
    keep: bool = True
    only: str = ""
    redraw_s: float = REDRAW_S
    pauses: Pauses = field(default_factory=Pauses)
    rounds: Rounds = field(default_factory=lambda: Rounds(survives=False))
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    _flushed: asyncio.Event = field(default_factory=asyncio.Event)
    _dirty: dict[tuple[str, str], RollbackState] = field(default_factory=dict)
    _told: dict[tuple[str, str], tuple[Pause, ...]] = field(default_factory=dict)
    _posting: Posting = field(init=False)
    _alarm: Alarm = field(init=False)
    _outages: Outages = field(init=False)

    def __post_init__(self) -> None:
        """Nothing is read yet."""
        self._posting = Posting(chat=self.chat, services=self.services, keep=self.keep)
        self._alarm = Alarm(self.chat, self.runbook.language, self.rounds)
        self._outages = Outages(chat=self.chat, runbook=self.runbook, clock=self.clock)

    async def run(self) -> None:
        """Follow every environment and send, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for environment in self.services:
                tasks.create_task(self._follow(environment))
                channels = self._channels(environment)
                tasks.create_task(self._alarm.listen(self.services[environment], channels))
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
            with self.rounds.survived("follow", self._round(environment)):
                if await self._looked(environment, positions):
                    continue
            await asyncio.sleep(BACK_OFF_S)

    async def _looked(self, environment: str, positions: dict[str, int]) -> bool:
        try:
            await self._look(environment, positions)
        except StoreError as error:
            log.warning("relay_waits_for_store", environment=environment, why=str(error))
            channels = self._channels(environment)
            await self._alarm.sound(environment, error, channels)
            if isinstance(error, StoreUnavailableError):
                await self._outages.away(environment, channels)
            return False
        return True

    async def _look(self, environment: str, positions: dict[str, int]) -> None:
        book = self.services[environment].book
        state = await book.environment()
        for name in looked_at(state):
            about = self._round(environment, name)
            with self.rounds.survived("follow", about, passing=StoreError):
                await self._mark(book, name, positions)
        await self._outages.back(environment)
        self.ready.set()
        await book.journal.follow({ENVIRONMENT_JOURNAL: state.position, **positions}, block_s=1.0)
        # Inbox entries come in bursts, and none of them changes a card by itself.
        await asyncio.sleep(LOOK_S)

    async def _mark(self, book: AsyncBook, name: str, positions: dict[str, int]) -> None:
        environment = book.name
        rollback = await self._alarm.read(book, name, self._channels(environment))
        if rollback is not None and self.only in ("", name):
            self._outages.remember(environment, rollback)
        if rollback is None:
            positions.pop(name, None)
        elif positions.get(name) != rollback.position:
            first = name not in positions
            positions[name] = rollback.position
            if self._shown(rollback, first=first):
                self._dirty[environment, name] = rollback
        elif self._stands_otherwise(environment, name) or self._grows_old(environment, rollback):
            self._dirty[environment, name] = rollback

    def _shown(self, rollback: RollbackState, *, first: bool) -> bool:
        if self.only:
            return rollback.id == self.only
        over = rollback.status.ended and not self.ready.is_set()
        return self.keep or not (first and over)

    def _stands_otherwise(self, environment: str, name: str) -> bool:
        """Whether a pause began or ended: the journal cannot say so."""
        now = self.pauses.of(environment, name)
        return self._told.get((environment, name), ()) != now

    def _grows_old(self, environment: str, rollback: RollbackState) -> bool:
        """Whether a running step's card was last drawn too long ago."""
        if not (rollback.status.moving and rollback.in_flight):
            return False
        drawn = tuple(self._posting.drawn(environment, rollback.id))
        return bool(drawn) and time.monotonic() - max(drawn) >= self.redraw_s

    async def _send(self) -> None:
        while True:
            for (environment, name), state in sorted(self._dirty.items(), key=final_first):
                position = state.position
                with self.rounds.survived("send", self._round(environment, name)):
                    if await self._flush(environment, state) and position == state.position:
                        self._dirty.pop((environment, name), None)
            self._flushed.set()
            await asyncio.sleep(LOOK_S)

    async def _flush(self, environment: str, state: RollbackState) -> bool:
        """Send what is due for one rollback; True when nothing is left."""
        view = View(state, self.runbook, self.runbook.language, self.clock.now())
        channels = self._channels(environment)
        done = True
        pauses = self._told[environment, state.id] = self.pauses.of(environment, state.id)
        messages = (
            *paused(view, pauses, channels),
            *wanted(view, self.chat.platform, channels),
        )
        for message in messages:
            sent = False
            with self.rounds.survived("send", self._round(environment, state.id, message.key)):
                sent = await self._posting.deliver(environment, state, message)
            done = sent and done
        return done

    def _round(self, *about: str) -> str:
        """What a round is about, by its environment first, for whoever reads that it failed."""
        return f"{'/'.join(about)} to {self.chat.platform}"

    def _channels(self, environment: str) -> tuple[Channel, ...]:
        if self.chat.platform == "console":
            return (Channel(platform="console", channel=environment),)
        bound = self.runbook.environments[environment].channels
        return tuple(c for c in bound if c.platform == self.chat.platform)
