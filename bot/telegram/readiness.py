"""Whether Telegram accepts our token and we are in the groups: asked by `rollbot check`."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from telegram import Bot
from telegram.constants import ChatAction

from bot.telegram.wire import translated
from commands.domain.errors import ChatGoneError
from commands.settings import TelegramSettings


@dataclass(frozen=True, slots=True)
class Introduction:
    """Who we are there, the bound groups that we are not in, and who lets us write to them.

    `mute` are the accounts that never pressed Start (or blocked us): no card can come to them.
    `called_at` is where Telegram brings updates now (empty: it is polled), `last_error` what it met
    there, while updates wait: an old error stays with Telegram after its end.
    """

    name: str
    absent: tuple[str, ...]
    mute: tuple[int, ...] = ()
    called_at: str = ""
    last_error: str = ""


async def introduce(
    settings: TelegramSettings, chats: tuple[str, ...], people: tuple[int, ...] = ()
) -> Introduction:
    """Ask Telegram who we are, which groups it shows us, and whom we may write to.

    Raises ChatError. Changes nothing: `people` see us type for five seconds (Bot API,
    sendChatAction), which is the one way to learn whether a message would reach them.
    """
    for talkative in ("httpx", "httpcore"):
        logging.getLogger(talkative).setLevel(logging.WARNING)  # at INFO httpx logs the token
    bot = Bot(settings.bot_token.get_secret_value(), base_url=f"{settings.api_url}/bot")
    with translated():
        # Initializing asks getMe, by which a wrong token is found.
        async with bot:
            absent = [chat for chat in chats if not await _shown(bot, chat)]
            mute = [person for person in people if not await _reached(bot, person)]
            now = await bot.get_webhook_info()
            error = now.last_error_message if now.pending_update_count else ""
            return Introduction(bot.username, tuple(absent), tuple(mute), now.url, error or "")


async def _shown(bot: Bot, chat: str) -> bool:
    try:
        with translated():
            await bot.get_chat(chat)
    except ChatGoneError:
        return False
    return True


async def _reached(bot: Bot, person: int) -> bool:
    try:
        with translated():
            await bot.send_chat_action(person, ChatAction.TYPING)
    except ChatGoneError:
        return False
    return True
