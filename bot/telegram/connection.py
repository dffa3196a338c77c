"""The connection to Telegram: polling, or a webhook, that outlives outages; an orderly end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Final

from telegram import (
    BotCommand,
    BotCommandScopeAllGroupChats,
    BotCommandScopeAllPrivateChats,
    Update,
)
from telegram.error import Conflict, InvalidToken, TelegramError
from telegram.ext import Application, TypeHandler
from telegram.request import HTTPXRequest

from bot.telegram.listener import HEARD_KINDS, Listener
from bot.telegram.webhook import WebhookDoor
from bot.telegram.wire import in_our_words
from commands.domain.people import Language
from commands.domain.text import text
from commands.locale import say

log = logging.getLogger(__name__)

POLL: Final = timedelta(seconds=25)
FIRST_RETRY_S: Final = 0.5
LONGEST_RETRY_S: Final = 30.0
COMMANDS: Final = ("rollback", "help")
LANGUAGES: Final[tuple[tuple[str, Language], ...]] = (("", "ru"), ("ru", "ru"), ("en", "en"))
"""Telegram's code for a menu of commands; the empty one serves all other languages."""


class PatientRequest(HTTPXRequest):
    """Polls through 401 and 404 as through any outage.

    The library ends polling for good on either, and a proxy or a bot server of one's own answers
    so while it restarts. A wrong token is found at the start, by another request.
    """

    is_answered = False
    """Whether the last poll was."""

    async def do_request(self, *args: Any, **kwargs: Any) -> tuple[int, bytes]:  # noqa: ANN401 -- as the library has it
        try:
            code, body = await super().do_request(*args, **kwargs)
        except Exception:
            self.is_answered = False
            raise
        self.is_answered = code == HTTPStatus.OK
        return (502, b'{"ok":false}') if code in (401, 404) else (code, body)


class Connection:
    """Starts, keeps and ends the listening of one bot: by its webhook's door, else by polling."""

    def __init__(
        self,
        app: Application[Any, Any, Any, Any, Any, Any],
        listener: Listener,
        polls: PatientRequest,
        door: WebhookDoor | None = None,
    ) -> None:
        self._app, self._listener, self._polls, self._door = app, listener, polls, door
        self._stopping = asyncio.Event()
        self._tried = asyncio.Event()
        self._running: asyncio.Task[None] | None = None
        self._talks: set[asyncio.Task[None]] = set()
        app.add_handler(TypeHandler(Update, self._talk))

    async def start(self) -> None:
        """Returns after the first attempt; an outage is waited out in the background.

        Raises ChatError when the token is not accepted.
        """
        self._running = asyncio.create_task(self._run(), name="telegram")
        tried = asyncio.create_task(self._tried.wait())
        await asyncio.wait({self._running, tried}, return_when=asyncio.FIRST_COMPLETED)
        tried.cancel()
        if self._running.done():
            running, self._running = self._running, None
            running.result()

    def is_well(self) -> bool:
        """Whether what is said reaches us, as far as can be told from here."""
        return self._door.is_open if self._door else self._polls.is_answered

    async def stop(self) -> None:
        """Ends listening; what was said and not handed in stays with Telegram. Safe to repeat."""
        self._stopping.set()
        if self._running is None:
            return
        running, self._running = self._running, None
        await running

    async def _run(self) -> None:
        try:
            while await self._came_up():
                self._tried.set()
                try:
                    await self._listen()
                except TelegramError as error:
                    log.warning("telegram does not let us listen: %s", in_our_words(error))
                    await self._pause(LONGEST_RETRY_S)
        finally:
            await self._app.shutdown()
            await self._app.bot.shutdown()

    async def _came_up(self) -> bool:
        """Ask Telegram who we are until it answers; False when told to stop first."""
        wait_s = FIRST_RETRY_S
        while not self._stopping.is_set():
            try:
                await self._app.initialize()
            except InvalidToken as error:
                raise in_our_words(error) from None
            except TelegramError as error:
                log.warning("telegram does not answer: %s", in_our_words(error))
                self._tried.set()
                await self._pause(wait_s)
                wait_s = min(wait_s * 2, LONGEST_RETRY_S)
            else:
                self._listener.username = self._app.bot.username
                return True
        return False

    async def _listen(self) -> None:
        await self._app.start()
        try:
            async with self._door.opened(self._app) if self._door else self._polling():
                introduced = asyncio.create_task(self._introduce())
                await self._stopping.wait()
                introduced.cancel()
                self._listener.hurry()
        finally:
            await self._app.stop()
            await self._finish_talks()

    @asynccontextmanager
    async def _polling(self) -> AsyncIterator[None]:
        """The library first tells Telegram to forget a webhook, as polling asks for."""
        updater = self._app.updater
        assert updater is not None  # noqa: S101  # the builder makes one unless told otherwise
        await updater.start_polling(
            timeout=POLL,
            allowed_updates=HEARD_KINDS,
            drop_pending_updates=False,
            error_callback=_note,
        )
        self._polls.is_answered = True
        yield
        await updater.stop()
        self._polls.is_answered = False

    async def _introduce(self) -> None:
        """Tell Telegram our commands, in both languages, in groups and in private."""
        scopes = (None, BotCommandScopeAllGroupChats(), BotCommandScopeAllPrivateChats())
        for code, language in LANGUAGES:
            commands = [
                BotCommand(name, say(text(f"telegram.command_{name}"), language))
                for name in COMMANDS
            ]
            for scope in scopes:
                try:
                    await self._app.bot.set_my_commands(
                        commands, scope=scope, language_code=code or None
                    )
                except TelegramError as error:
                    log.warning("commands not introduced: %s", in_our_words(error))

    async def _talk(self, update: Update, _: object) -> None:
        """Each talk by itself: one waiting for a group's limit must not hold up the others."""
        talk = asyncio.create_task(self._listener.react(update))
        self._talks.add(talk)
        talk.add_done_callback(self._talks.discard)

    async def _finish_talks(self) -> None:
        if self._talks:
            _, late = await asyncio.wait(self._talks, timeout=2.0)
            for talk in late:
                talk.cancel()

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)


def _note(error: TelegramError) -> None:
    if isinstance(error, Conflict):
        log.error("another process polls with the same TELEGRAM_BOT_TOKEN: stop one of them")
    else:
        log.warning("polling: %s", in_our_words(error))
