"""The bot process on Telegram: `rollbot bot`, a Redis with its file on, and no worker at all."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from tests.engines.redis_server import RedisServer
from tests.servers.telegram import TelegramServer
from tests.servers.telegram_model import Chat, User

ROOT = Path(__file__).parents[2]
# As in the shipped runbook: its production group, and its on-call engineer.
GROUP_ID, ONCALL_ID = -1000000000001, 100000001
Bot = Callable[[], AbstractAsyncContextManager[asyncio.subprocess.Process]]


@pytest.fixture
def group(telegram: TelegramServer) -> Chat:
    return telegram.group("Incidents", chat_id=GROUP_ID)


@pytest.fixture
def oncall(telegram: TelegramServer) -> User:
    return telegram.user("Anna", user_id=ONCALL_ID)


@pytest.fixture
def bot(telegram: TelegramServer, embedded_redis: RedisServer, tmp_path: Path) -> Bot:
    """Starts a bot process; it is ended in order, or by the test, at the end of the block."""
    variables = {
        **os.environ,
        "ROLLBOT_RUNBOOK": str(ROOT / "commands/data/runbook.toml"),
        "ROLLBOT_STATE_DIR": str(tmp_path / "state"),
        "REDIS_URL": embedded_redis.url,
        "ROLLBOT_JOURNAL_KEY_PRODUCTION": "0123456789abcdef" * 4,
        "TELEGRAM_BOT_TOKEN": telegram.token,
        "TELEGRAM_API_URL": telegram.api_url,
    }

    @asynccontextmanager
    async def started() -> AsyncIterator[asyncio.subprocess.Process]:
        child = await asyncio.create_subprocess_exec(
            *(str(Path(sys.executable).with_name("rollbot")), "bot"), cwd=ROOT, env=variables
        )
        try:
            yield child
        finally:
            if child.returncode is None:
                child.terminate()
            await asyncio.wait_for(child.wait(), 60)

    return started


async def test_words_become_a_card_and_its_button_works(
    telegram: TelegramServer, bot: Bot, group: Chat, oncall: User
) -> None:
    """`/rollback api v1.2.3` brings a card; cancelling it, once confirmed, takes its buttons."""
    async with bot():
        await telegram.say(oncall, group, '/rollback api v1.2.3 --reason "5xx"')
        card = await telegram.wait_for(lambda: telegram.find(group, "RB-1"))
        assert card is not None
        (cancel,) = card.buttons

        press = await telegram.press(oncall, card, cancel)
        await telegram.answered(press)
        await telegram.wait_for(lambda: telegram.messages(group)[-1].reply_to == card.id)
        question = telegram.messages(group)[-1]
        await telegram.press(oncall, question, question.buttons[0])

        await telegram.wait_for(lambda: question.deleted and not card.buttons)


async def test_a_stranger_is_refused_alone_and_a_bare_command_opens_a_menu(
    telegram: TelegramServer, bot: Bot, group: Chat, oncall: User
) -> None:
    """Who is not in the runbook hears so in private; no card appears. The menu shows services."""
    stranger = telegram.user("Eve")
    async with bot():
        await telegram.say(stranger, group, "/rollback api v1.2.3")
        await telegram.wait_for(lambda: telegram.messages(telegram.private(stranger)))
        assert telegram.messages(group) == []

        await telegram.say(oncall, group, "/rollback")
        menu = await telegram.wait_for(lambda: telegram.messages(group))
        assert menu[0].buttons[:2] == ["api", "worker"]


async def test_a_bot_that_was_killed_goes_on_with_its_cards(
    telegram: TelegramServer, bot: Bot, group: Chat, oncall: User
) -> None:
    """After kill -9 the next bot edits the card that is there, and hears what was said between."""
    async with bot() as first:
        await telegram.say(oncall, group, "/rollback api v1.2.3")
        card = await telegram.wait_for(lambda: telegram.find(group, "RB-1"))
        assert card is not None
        # An edit (no worker took the work) shows that the post stands in the journal.
        await telegram.wait_for(lambda: card.edited)
        first.kill()
        await first.wait()
    await telegram.say(oncall, group, "/rollback cancel RB-1")

    async with bot():
        await telegram.wait_for(lambda: not card.buttons)

    assert not any(message.buttons for message in telegram.messages(group))
