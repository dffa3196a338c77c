"""Telegram: `connect` builds its chat and its listener. Import it only where it is configured."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.routing import Route
from telegram.ext import AIORateLimiter, ApplicationBuilder, ExtBot

from bot.telegram.budget import Budget
from bot.telegram.chat import TelegramChat
from bot.telegram.connection import Connection, PatientRequest
from bot.telegram.listener import DurableQueue, Listener
from bot.telegram.presses import Presses
from bot.telegram.sender import Sender
from bot.telegram.webhook import WebhookDoor
from bot.telegram.wire import Moves
from commands.ports import Chat, Clock, Desk
from commands.settings import TelegramSettings

__all__ = ["Connected", "connect"]


@dataclass(frozen=True, slots=True)
class Connected:
    """A platform ready to be started. `start` raises ChatError when the token is refused."""

    chat: Chat
    start: Callable[[], Awaitable[None]]
    stop: Callable[[], Awaitable[None]]
    is_well: Callable[[], bool]
    routes: tuple[Route, ...] = ()
    """Of the bot's web app, when there is a webhook."""


def connect(settings: TelegramSettings, desk: Desk, clock: Clock) -> Connected:
    """Build the bot; nothing is sent before `start`. To be called inside a running loop."""
    for talkative in ("httpx", "httpcore"):
        logging.getLogger(talkative).setLevel(logging.WARNING)  # at INFO httpx logs the token
    # A 429 is an answer that the relay waits out; the library prints a traceback for each.
    logging.getLogger("telegram.ext.AIORateLimiter").setLevel(logging.CRITICAL)
    polls = PatientRequest(connection_pool_size=1)
    bot = _bot(settings, polls)
    moves, presses = Moves(), Presses(bot)
    sender = Sender(bot, moves, Budget())
    chat = TelegramChat(sender, presses, desk.language_of)
    listener = Listener(desk, clock, chat, sender, presses)
    app = ApplicationBuilder().bot(bot).update_queue(DurableQueue(listener)).job_queue(None).build()
    door = WebhookDoor(settings.webhook) if settings.webhook else None
    connection = Connection(app, listener, polls, door)
    routes = (door.route,) if door else ()
    return Connected(chat, connection.start, connection.stop, connection.is_well, routes)


def _bot(settings: TelegramSettings, polls: PatientRequest) -> ExtBot[int]:
    # Of the library's limiter only the 30 a second for the whole bot: for a group it would wait
    # with an old card in its hands, and a retry would stop every other chat meanwhile. `Budget`
    # and the relay quiet that one chat, and then send what is true by then.
    limiter = AIORateLimiter(group_max_rate=0, group_time_period=0, max_retries=0)
    return ExtBot(
        settings.bot_token.get_secret_value(),
        base_url=f"{settings.api_url}/bot",
        base_file_url=f"{settings.api_url}/file/bot",
        get_updates_request=polls,
        rate_limiter=limiter,
    )
