"""Telegram's errors in rollbot's words."""

from __future__ import annotations

import pytest
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)

from bot.telegram.wire import Moves, in_our_words
from commands.domain.errors import ChatGoneError


@pytest.mark.parametrize(
    ("error", "is_gone"),
    [
        (TimedOut(), False),
        (NetworkError("httpx.ConnectError"), False),
        (RetryAfter(7), False),
        (InvalidToken(), False),
        (BadRequest("Can't parse entities"), False),
        (BadRequest("Chat not found"), True),
        (BadRequest("Message to edit not found"), True),
        (Forbidden("bot was kicked from the supergroup chat"), True),
        (ChatMigrated(-1001), True),
    ],
)
def test_every_error_says_whether_the_place_is_gone(error: TelegramError, is_gone: bool) -> None:
    """What is gone is posted anew; everything else is tried again."""
    assert isinstance(in_our_words(error), ChatGoneError) is is_gone


def test_facts_survive_translation_and_tokens_do_not() -> None:
    """How long to wait and where to go are kept; a token in a message is not."""
    moved = in_our_words(ChatMigrated(-1001))
    leaky = in_our_words(NetworkError("POST /bot123456:AAsecret_secret_secret_sec/x failed"))

    assert in_our_words(RetryAfter(7)).retry_after_s == 7
    assert isinstance(moved, ChatGoneError)
    assert moved.moved_to == "-1001"
    assert "AAsecret" not in str(leaky)


def test_a_moved_group_is_known_by_both_ids() -> None:
    """Writing goes to the new id; what is said there belongs to the old one."""
    moves = Moves()
    moves.learn(-5, -1005)

    assert (moves.target(-5), moves.origin(-1005), moves.target(-6)) == (-1005, -5, -6)
