"""Presses of buttons that wait for an answer."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from typing import Final

from telegram import Bot
from telegram.error import TelegramError

log = logging.getLogger(__name__)

GRACE: Final = timedelta(seconds=1.5)


class Presses:
    """Telegram shows a spinner on a pressed button until we answer.

    The answer is the one truly private word in a group, so it waits for `grace` for what the desk
    has to say; then the spinner is ended anyway. `opened`, and then both `settle` and perhaps
    `tell`, in any order.
    """

    def __init__(self, bot: Bot, grace: timedelta = GRACE) -> None:
        self._bot, self._grace = bot, grace
        self._open: dict[str, asyncio.Event] = {}
        self._hurried = asyncio.Event()

    def opened(self, query_id: str) -> None:
        """A press arrived. Call it before the press is handed in. Safe to repeat."""
        self._open.setdefault(query_id, asyncio.Event())

    async def settle(self, query_id: str, words: str) -> None:
        """End the spinner with a passing notice, unless a private answer comes first."""
        told = self._open.get(query_id)
        if told is None:
            return
        waits = {asyncio.ensure_future(event.wait()) for event in (told, self._hurried)}
        _, waiting = await asyncio.wait(
            waits, timeout=self._grace.total_seconds(), return_when=asyncio.FIRST_COMPLETED
        )
        for wait in waiting:
            wait.cancel()
        if not told.is_set():
            await self.dismiss(query_id, words)

    def hurry(self) -> None:
        """End every spinner now: we are stopping."""
        self._hurried.set()

    async def dismiss(self, query_id: str, words: str = "") -> None:
        """End the spinner now."""
        if self._open.pop(query_id, None) is not None:
            await self._answer(query_id, words, alert=False)

    async def tell(self, query_id: str, words: str, *, box: bool) -> bool:
        """Answer so that only the presser sees it; False when it is too late for that.

        In a box that has to be closed, or as a notice that passes by itself.
        """
        waiting = self._open.pop(query_id, None)
        if waiting is None:
            return False
        waiting.set()
        return await self._answer(query_id, words, alert=box)

    async def _answer(self, query_id: str, words: str, *, alert: bool) -> bool:
        """False when Telegram did not take it: "query is too old" undoes no decision."""
        try:
            await self._bot.answer_callback_query(query_id, words or None, show_alert=alert)
        except TelegramError as error:
            log.info("press not answered: %s", type(error).__name__)
            return False
        return True
