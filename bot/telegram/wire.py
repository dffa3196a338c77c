"""Telegram's errors in rollbot's words, and groups that move.

Descriptions are compared in lower case: Telegram documents no codes for them, and the library
changes their first letter (python-telegram-bot 22.8, https://core.telegram.org/bots/api).
"""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

from telegram.error import (
    BadRequest,
    ChatMigrated,
    Forbidden,
    InvalidToken,
    RetryAfter,
    TelegramError,
)
from telegram.warnings import PTBDeprecationWarning

from commands.domain.errors import ChatError, ChatGoneError

log = logging.getLogger(__name__)

PLATFORM: Final = "telegram"
_GONE = (
    "chat not found",
    "message to edit not found",
    "message can't be edited",
    "message_id_invalid",
    "thread not found",
    "topic_closed",
    "topic_deleted",
    "group is deactivated",
    "user not found",
    "peer_id_invalid",
    "not enough rights",
    "have no rights",
)
_TOKEN = re.compile(r"\d{5,}:[A-Za-z0-9_-]{20,}")


class Moves:
    """Groups that became supergroups: their old id (the runbook's) and their new one.

    Learned from Telegram while the process runs; until the runbook names the new id, what is said
    in the moved group counts as said in the old one.
    """

    def __init__(self) -> None:
        self._forward: dict[int, int] = {}
        self._back: dict[int, int] = {}

    def learn(self, old: int, new: int) -> None:
        """Remember a move. Safe to repeat."""
        if self._forward.get(old) != new:
            log.warning("group %d is now %d: write the new id into runbook.toml", old, new)
        self._forward[old], self._back[new] = new, old

    def target(self, chat_id: int) -> int:
        """Where to write."""
        return self._forward.get(chat_id, chat_id)

    def origin(self, chat_id: int) -> int:
        """The id under which the runbook knows a chat."""
        return self._back.get(chat_id, chat_id)


@contextmanager
def translated() -> Iterator[None]:
    """Raises ChatError or ChatGoneError for whatever the library raises inside."""
    try:
        yield
    except TelegramError as error:
        raise in_our_words(error) from error


def in_our_words(error: TelegramError) -> ChatError:
    """The error of ours that says the same. Tokens never get into its text."""
    why = _TOKEN.sub("***", error.message)
    match error:
        case ChatMigrated():
            return ChatGoneError(PLATFORM, why, moved_to=str(error.new_chat_id))
        case RetryAfter():
            return ChatError(PLATFORM, why, retry_after_s=retry_after_s(error))
        case InvalidToken():
            return ChatError(PLATFORM, "TELEGRAM_BOT_TOKEN is not accepted")
        case Forbidden():
            return ChatGoneError(PLATFORM, why)
        case BadRequest() if any(sign in why.lower() for sign in _GONE):
            return ChatGoneError(PLATFORM, why)
        case _:
            return ChatError(PLATFORM, why)


def retry_after_s(error: RetryAfter) -> float:
    """How long Telegram wants to be left alone, in seconds."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PTBDeprecationWarning)
        wait: float | timedelta = error.retry_after
    return wait.total_seconds() if isinstance(wait, timedelta) else float(wait)


def is_unchanged(error: TelegramError) -> bool:
    """An edit that would change nothing: what was wanted is there."""
    return isinstance(error, BadRequest) and "message is not modified" in error.message.lower()


def is_lost_thread(error: TelegramError) -> bool:
    """The forum topic was deleted or closed."""
    return isinstance(error, BadRequest) and any(
        sign in error.message.lower() for sign in ("thread not found", "topic_closed")
    )
