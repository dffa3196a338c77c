"""A Redis that is away while rollbacks run: told in their channels, once, edited when it is back.

What would hold it is what is away, so it is remembered in memory alone; a bot that restarts
meanwhile knows of no rollback, and is silent.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from bot import cards
from bot.cards.view import View
from bot.homes import name_of
from commands.domain.conversation import Address, Card, MessageRef
from commands.domain.due import work_due
from commands.domain.errors import ChatError, ChatGoneError
from commands.domain.runbook import Channel, Runbook
from commands.domain.state import RollbackState
from commands.ports import Chat, Clock

log = structlog.get_logger()

AFTER_S = 2.0
"""So long after the first failed look, which took a second itself: a restart is no news."""

AGAIN_S = 2.0


@dataclass(slots=True)
class Outage:
    """One absence: since when, what ran then, where it was told. `began_s` is monotonic."""

    since_at: datetime
    began_s: float
    running: tuple[RollbackState, ...] = ()
    told: dict[Channel, MessageRef] = field(default_factory=dict)
    over_at: datetime | None = None


@dataclass(slots=True, kw_only=True)
class Outages:
    """What one platform is told. `now` in seconds, monotonic."""

    chat: Chat
    runbook: Runbook
    clock: Clock
    now: Callable[[], float] = time.monotonic
    _known: dict[str, dict[str, RollbackState]] = field(default_factory=dict)
    _away: dict[str, Outage] = field(default_factory=dict)
    _over: dict[str, list[Outage]] = field(default_factory=dict)
    _quiet_until: dict[Channel, float] = field(default_factory=dict)

    def remember(self, environment: str, state: RollbackState) -> None:
        """A rollback as it was last read: nothing can be read when it matters."""
        known = self._known.setdefault(environment, {})
        known.pop(state.id, None)
        if _runs(state):
            known[state.id] = state

    async def away(self, environment: str, channels: Iterable[Channel]) -> None:
        """A look failed; to be called at each. A chat that is away is asked again at the next."""
        outage = self._away.setdefault(environment, Outage(self.clock.now(), self.now()))
        if self.now() - outage.began_s < AFTER_S:
            return
        known = self._known.get(environment, {}).values()
        outage.running = outage.running or tuple(s for s in known if _runs(s))
        if not outage.running:
            return
        card = cards.away_card(self._views(outage), outage.since_at)
        for channel in channels:
            if channel not in outage.told and self._may_speak(channel):
                await self._tell(environment, outage, channel, card)

    async def back(self, environment: str) -> None:
        """A look went well; to be called at each, so that a refused edit is made after all."""
        outage = self._away.pop(environment, None)
        if outage is not None and outage.told:
            outage.over_at = self.clock.now()
            self._over.setdefault(environment, []).append(outage)
        for over in self._over.get(environment, ()):
            await self._take_back(over)
        if environment in self._over:
            self._over[environment] = [one for one in self._over[environment] if one.told]

    async def _tell(self, environment: str, outage: Outage, channel: Channel, card: Card) -> None:
        delivery = f"away/{environment}/{outage.since_at:%Y%m%dT%H%M%S}/{name_of(channel)}"
        try:
            outage.told[channel] = await self.chat.post(Address(channel), card, delivery)
        except ChatError as error:
            self._refused(channel, error)

    async def _take_back(self, outage: Outage) -> None:
        over_at = outage.over_at or self.clock.now()
        card = cards.away_over_card(self._views(outage), outage.since_at, over_at)
        for channel, message in tuple(outage.told.items()):
            if not self._may_speak(channel):
                continue
            try:
                await self.chat.update(message, card)
            except ChatGoneError:
                outage.told.pop(channel)
            except ChatError as error:
                self._refused(channel, error)
            else:
                outage.told.pop(channel)

    def _views(self, outage: Outage) -> tuple[View, ...]:
        now, language = self.clock.now(), self.runbook.language
        return tuple(View(state, self.runbook, language, now) for state in outage.running)

    def _may_speak(self, channel: Channel) -> bool:
        return self.now() >= self._quiet_until.get(channel, 0.0)

    def _refused(self, channel: Channel, error: ChatError) -> None:
        self._quiet_until[channel] = self.now() + (error.retry_after_s or AGAIN_S)
        log.warning("outage_waits", channel=channel.channel, why=str(error))


def _runs(state: RollbackState) -> bool:
    """Whether it stands still with Redis; who waits for people only is told when they decide."""
    return not state.status.ended and work_due(state)
