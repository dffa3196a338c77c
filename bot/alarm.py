"""A journal that cannot be trusted is told in every channel of its environment, at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import structlog

from bot.cards import error_card
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
from commands.ports import Chat
from commands.store.book import AsyncBook

log = structlog.get_logger()

UNTRUSTED = (TamperedJournalError, StateLostError, UnknownEventError)


@dataclass(slots=True)
class Alarm:
    """Tells one platform, once per journal and start of the bot.

    What was told cannot be written down: the journal that would hold it may be the one that is
    not trusted.
    """

    chat: Chat
    language: Language
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

    async def sound(self, environment: str, error: StoreError, channels: Iterable[Channel]) -> None:
        """Say it, unless it was said; a chat that is away is asked again at the next call."""
        if not isinstance(error, UNTRUSTED):
            return
        journal = f"{environment}/{error.text.params.get('journal', '')}"
        for channel in channels:
            if (journal, channel) in self._told:
                continue
            card = error_card(error.text, self.language)
            try:
                await self.chat.post(Address(channel=channel), card, f"alarm/{journal}")
            except ChatError as refused:
                log.warning("alarm_waits", journal=journal, why=str(refused))
            else:
                self._told.add((journal, channel))
