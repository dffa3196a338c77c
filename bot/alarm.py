"""A journal that cannot be trusted is told in every channel of its environment, at once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from bot.cards import error_card
from bot.rounds import Rounds
from commands.domain.conversation import Address
from commands.domain.errors import (
    ChatError,
    StateLostError,
    StoreError,
    TamperedJournalError,
    UnknownEventError,
)
from commands.domain.people import Language
from commands.domain.runbook import Channel
from commands.domain.state import RollbackState
from commands.domain.text import Text
from commands.handlers import Service
from commands.ports import Chat
from commands.store.book import AsyncBook

log = structlog.get_logger()

UNTRUSTED = (TamperedJournalError, StateLostError, UnknownEventError)

HEAR_EVERY_S = 5.0

FRESH = timedelta(seconds=60)
"""An older record says nothing about now: what it names may have been restored since."""


@dataclass(slots=True)
class Alarm:
    """Tells one platform, once per journal and start of the bot.

    What was told cannot be written down: the journal that would hold it may be the one that is
    not trusted.
    """

    chat: Chat
    language: Language
    rounds: Rounds = field(default_factory=Rounds)
    _told: set[tuple[str, Channel]] = field(default_factory=set)

    async def read(
        self, book: AsyncBook, name: str, channels: Iterable[Channel]
    ) -> RollbackState | None:
        """A rollback's state; None, and people are told, when its journal is not trusted.

        The environment's other rollbacks go on. Raises every other store error.
        """
        try:
            # The environment's journal names it, and both were written at once.
            if (state := await book.rollback(name)) is not None:
                return state
            raise StateLostError(name, 1, 0)
        except UNTRUSTED as error:
            log.warning("journal_not_trusted", environment=book.name, why=str(error))
            await self.sound(book.name, error, channels)
            return None

    async def listen(self, service: Service, channels: Iterable[Channel]) -> None:
        """Tell what the worker's host does not trust; it may be alone in knowing. Until cancelled.

        Raises nothing of the store's: while it is away nobody can say anything.
        """
        name = service.book.name
        while True:
            with self.rounds.survived("alarm", f"{name} to {self.chat.platform}"):
                try:
                    await self.hear(service, channels)
                except StoreError as error:
                    log.warning("alarm_hears_nothing", environment=name, why=str(error))
            await asyncio.sleep(HEAR_EVERY_S)

    async def hear(self, service: Service, channels: Iterable[Channel]) -> None:
        """Once: what the observer's record says, if it is fresh. Raises store errors."""
        observed = await service.observed()
        if observed is None or observed.age > FRESH:
            return
        for why in observed.record.remembered.untrusted:
            await self._tell(service.environment, why, channels)

    async def sound(self, environment: str, error: StoreError, channels: Iterable[Channel]) -> None:
        """Say it, unless it was said; a chat that is away is asked again at the next call."""
        if isinstance(error, UNTRUSTED):
            await self._tell(environment, error.text, channels)

    async def _tell(self, environment: str, why: Text, channels: Iterable[Channel]) -> None:
        journal = f"{environment}/{why.params.get('journal', '')}"
        for channel in channels:
            if (journal, channel) in self._told:
                continue
            card = error_card(why, self.language)
            try:
                await self.chat.post(Address(channel=channel), card, f"alarm/{journal}")
            except ChatError as refused:
                log.warning("alarm_waits", journal=journal, why=str(refused))
            else:
                self._told.add((journal, channel))
