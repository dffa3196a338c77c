"""The bot process with a Telegram webhook: its secret, what comes again, and polling again."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path

import pytest

from commands.runbook import shipped_runbook
from tests.engines.redis_server import RedisServer, embedded_program
from tests.engines.waiting import eventually
from tests.integration.called_bot import CalledBot
from tests.servers.telegram import TelegramServer
from tests.servers.telegram_model import Chat, Json, User
from tests.servers.telegram_webhook import SECRET_HEADER, post

SECRET = "0f" * 32
# As in the shipped runbook: its production group, and its on-call engineer.
GROUP_ID, ONCALL_ID = -1000000000001, 100000001
UNAVAILABLE = HTTPStatus.SERVICE_UNAVAILABLE
PATH = "/telegram/webhook"


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(embedded_program(), tmp_path)
    server.start()
    yield server
    server.kill9()


@pytest.fixture
def group(telegram: TelegramServer) -> Chat:
    return telegram.group("Incidents", chat_id=GROUP_ID)


@pytest.fixture
def oncall(telegram: TelegramServer) -> User:
    return telegram.user("Anna", user_id=ONCALL_ID)


@pytest.fixture
def polling(telegram: TelegramServer, journal: RedisServer, tmp_path: Path) -> CalledBot:
    variables = {"TELEGRAM_BOT_TOKEN": telegram.token, "TELEGRAM_API_URL": telegram.api_url}
    return CalledBot(tmp_path, journal, shipped_runbook(), variables)


@pytest.fixture
def called(polling: CalledBot) -> CalledBot:
    """The same deployment, with a webhook."""
    webhook = {
        "TELEGRAM_WEBHOOK_URL": polling.origin + PATH,
        "TELEGRAM_WEBHOOK_SECRET": SECRET,
    }
    return replace(polling, variables={**polling.variables, **webhook})


async def forged(telegram: TelegramServer, chat: Chat, sender: User) -> Json:
    """An update that Telegram itself never brings."""
    said = telegram.store(chat, sender, "/rollback api v1.2.2")
    return {"update_id": 1, "message": said.as_json()}


async def test_words_come_by_the_webhook_and_the_card_is_there(
    telegram: TelegramServer, called: CalledBot, group: Chat, oncall: User
) -> None:
    """`/rollback api v1.2.3` brings a card whose button works; nothing was polled."""
    async with called.running():
        assert telegram.webhook == called.origin + PATH
        assert telegram.webhook_secret == SECRET
        await telegram.say(oncall, group, "/rollback api v1.2.3")
        card = await telegram.wait_for(lambda: telegram.find(group, "RB-1"))
        assert card is not None
        press = await telegram.press(oncall, card, card.buttons[0])
        await telegram.answered(press)

    assert telegram.webhook, "what is said while the bot is away must wait for it"
    assert not telegram.polled


async def test_a_wrong_secret_is_refused(
    telegram: TelegramServer, called: CalledBot, group: Chat, oncall: User
) -> None:
    """Case 10: none, a wrong one, a prefix, non-ASCII: 403, nothing planned, nothing logged."""
    async with called.running():
        update = await forged(telegram, group, oncall)
        headers: tuple[dict[str, str], ...] = (
            {},
            {SECRET_HEADER: ""},
            {SECRET_HEADER: "1" + SECRET[1:]},
            {SECRET_HEADER: SECRET[:-1]},
            {SECRET_HEADER: "секрет"},
        )
        refused = [await post(called.origin + PATH, update, one) for one in headers]
        unread = await post(called.origin + PATH, {}, {SECRET_HEADER: SECRET})
        await telegram.say(oncall, group, "/rollback api v1.2.3")
        card = await telegram.wait_for(lambda: telegram.find(group, "RB-1"))

    assert refused == [403] * 5
    assert unread == 400
    assert card is not None
    assert "v1.2.3" in card.text
    assert "v1.2.2" not in called.log.read_text()
    assert SECRET not in called.log.read_text()


async def test_an_update_that_is_brought_again_is_one_plan(
    telegram: TelegramServer, called: CalledBot, group: Chat, oncall: User
) -> None:
    """Telegram did not hear our 200 and brings the same update three times more."""
    async with called.running():
        said = await telegram.say(oncall, group, "/rollback api v1.2.3")
        await telegram.wait_for(lambda: telegram.find(group, "RB-1"))
        update = {"update_id": 900000001, "message": said.as_json()}
        headers = {SECRET_HEADER: SECRET}
        again = [await post(called.origin + PATH, update, headers) for _ in range(3)]
        await telegram.say(oncall, group, "/rollback status RB-2")
        await telegram.wait_for(lambda: telegram.messages(telegram.private(oncall)))

    assert again == [200] * 3
    assert telegram.find(group, "RB-2") is None


async def test_what_was_not_kept_is_not_taken_and_comes_again(
    telegram: TelegramServer, called: CalledBot, group: Chat, oncall: User, journal: RedisServer
) -> None:
    """Store and chat away: no 200, the update stays with Telegram and is a plan, once, later."""
    async with called.running():
        journal.kill9()
        telegram.fail(10_000, "500", method="sendMessage")
        await telegram.say(oncall, group, "/rollback api v1.2.3")
        await telegram.wait_for(lambda: telegram.webhook_error)
        assert len(telegram.updates) == 1
    telegram.heal()
    journal.start()

    async with called.running():
        await telegram.wait_for(lambda: telegram.find(group, "RB-1"))
        await telegram.wait_for(lambda: not telegram.updates)

    assert telegram.find(group, "RB-2") is None


async def test_a_bot_killed_after_its_200_plans_at_the_next_start(
    telegram: TelegramServer, called: CalledBot, group: Chat, oncall: User
) -> None:
    """Telegram forgets an update at the 200; killed right then, the bot has it all the same."""
    async with called.running() as killed:
        await telegram.say(oncall, group, "/rollback api v1.2.3")
        await telegram.wait_for(lambda: not telegram.updates)
        killed.kill()
        await killed.wait()

    async with called.running():
        await telegram.wait_for(lambda: telegram.find(group, "RB-1"))

    assert telegram.find(group, "RB-2") is None


async def test_without_a_webhook_the_bot_polls_again(
    telegram: TelegramServer, called: CalledBot, polling: CalledBot, group: Chat, oncall: User
) -> None:
    """The variable taken away, Telegram is told so and what was said between is fetched."""
    async with called.running():
        pass
    await telegram.down()
    await telegram.say(oncall, group, "/rollback api v1.2.3")
    await telegram.up()

    async with polling.running():
        await telegram.wait_for(lambda: telegram.find(group, "RB-1"))

    assert telegram.webhook == ""


async def test_health_is_true_to_life(
    telegram: TelegramServer, polling: CalledBot, group: Chat, oncall: User
) -> None:
    """A bot that loses Telegram after its start says so, until it is heard again."""
    async with polling.running():
        await telegram.down()
        await asyncio.to_thread(eventually, lambda: polling.health() == UNAVAILABLE)
        await telegram.up()
        await telegram.say(oncall, group, "/rollback help")
        await asyncio.to_thread(eventually, polling.is_well, within_s=90)
