"""A rollback from the typed words to its final card, on Telegram and the embedded engine.

Bot, worker and observer are processes; services really run; Telegram keeps its speed limits.
"""

from __future__ import annotations

import asyncio
import sys
import tomllib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from rollbot.demo import toml
from rollbot.demo.world import World
from tests.servers.telegram import TelegramServer
from tests.servers.telegram_model import Chat, Message, Press, User

pytestmark = pytest.mark.timeout(600)

GROUP_ID = -1000000000001
ACCOUNTS = {"anna": 100000001, "igor": 100000002, "olga": 100000003}
PROCESSES = ("worker", "observer", "bot")
PROGRAM = str(Path(sys.executable).with_name("rollbot"))


@pytest.fixture
def world(telegram: TelegramServer, tmp_path: Path) -> Iterator[World]:
    """The demo's world with v1.2.3 running, talking on Telegram."""
    telegram.limits.enforced = True
    started = World.started(tmp_path)
    try:
        bind(started)
        started.deploy("v1.2.3")
        variables = {
            **started.environment(),
            "TELEGRAM_BOT_TOKEN": telegram.token,
            "TELEGRAM_API_URL": telegram.api_url,
        }
        for process in PROCESSES:
            started.children.start(process, (PROGRAM, process), variables)
        yield started
    finally:
        started.close()


def bind(world: World) -> None:
    """Give the demo's people Telegram accounts, and its environment a group."""
    runbook = tomllib.loads(world.places.runbook.read_text())
    for person, account in ACCOUNTS.items():
        runbook["people"][person]["telegram"] = [account]
    group = {"platform": "telegram", "channel": str(GROUP_ID)}
    runbook["environments"]["production"]["channels"].append(group)
    world.places.runbook.write_text(toml.dumps(runbook))


@pytest.fixture
def group(telegram: TelegramServer) -> Chat:
    return telegram.group("Incidents", chat_id=GROUP_ID)


@pytest.fixture
def people(telegram: TelegramServer) -> dict[str, User]:
    return {name: telegram.user(name, user_id=account) for name, account in ACCOUNTS.items()}


def offering(telegram: TelegramServer, chat: Chat, verb: str) -> Message | None:
    """The newest message in a chat with a button for this verb."""
    for message in reversed(telegram.messages(chat)):
        if any(verb in (button.data or "") for row in message.keyboard for button in row):
            return message
    return None


async def eventually_async(question: Callable[[], bool], within_s: float = 60.0) -> None:
    """Ask the world from a thread, so that Telegram is served meanwhile, until it says yes."""
    async with asyncio.timeout(within_s):
        while not await asyncio.to_thread(question):
            pass


def is_settled(telegram: TelegramServer, chat: Chat) -> bool:
    """Nothing in this chat asks for a decision any more."""
    return offering(telegram, chat, "approve:") is None


async def decide(telegram: TelegramServer, person: User, chat: Chat, verb: str) -> Press:
    """Press a button and say yes to the question that it asks."""
    card = await telegram.wait_for(lambda: offering(telegram, chat, f"?{verb}:"))
    assert card is not None
    data = next(b.data for row in card.keyboard for b in row if f"?{verb}:" in (b.data or ""))
    assert data is not None
    await telegram.press(person, card, data)
    asked = await telegram.wait_for(lambda: offering(telegram, chat, f"!{verb}:"))
    assert asked is not None
    return await telegram.press(person, asked, "!" + data.removeprefix("?"))


async def test_one_service_goes_back_and_the_group_sees_it_proven(
    telegram: TelegramServer, world: World, group: Chat, people: dict[str, User]
) -> None:
    """Words, plan, approval with a question, steps, proof, checklist: within Telegram's limits."""
    world.deploy("v1.3.0")
    await telegram.say(people["anna"], group, '/rollback api v1.2.3 --reason "500 <на> & всё"')

    await decide(telegram, people["anna"], group, "approve")
    checklist = await telegram.wait_for(lambda: offering(telegram, group, "tick:"))
    resolved = await telegram.wait_for(
        lambda: telegram.find(group, "восстановлено, api → v1.2.3"), 60
    )

    assert world.version("api") == "v1.2.3"
    assert world.version("frontend") == "v1.3.0"
    assert checklist is not None
    assert resolved is not None
    assert telegram.find(group, "500 <на> & всё")
    await telegram.wait_for(partial(is_settled, telegram, group))


async def test_a_full_rollback_needs_both_and_asks_them_directly(
    telegram: TelegramServer, world: World, group: Chat, people: dict[str, User]
) -> None:
    """Commander and CTO answer in their private chats; anybody else's yes is refused alone."""
    world.deploy("v1.3.1")
    await telegram.say(people["anna"], group, "/rollback full v1.2.3")

    wrong = await decide(telegram, people["anna"], group, "approve")
    await telegram.answered(wrong)
    assert wrong.alert
    assert world.version("api") == "v1.3.1"
    for name in ("igor", "olga"):
        await decide(telegram, people[name], telegram.private(people[name]), "approve")
    await telegram.wait_for(lambda: telegram.find(group, "восстановлено, full → v1.2.3"))

    assert {world.version(name) for name in ("api", "frontend")} == {"v1.2.3"}
    for private in (telegram.private(people[name]) for name in ("igor", "olga")):
        await telegram.wait_for(partial(is_settled, telegram, private))


async def test_telegram_away_delays_the_report_and_nothing_else(
    telegram: TelegramServer, world: World, group: Chat, people: dict[str, User]
) -> None:
    """Away from the approval to the end: the rollback is carried out, the report catches up."""
    telegram.lenient_callbacks = True
    world.deploy("v1.3.0")
    await telegram.say(people["anna"], group, "/rollback api v1.2.3")
    await decide(telegram, people["anna"], group, "approve")
    await telegram.wait_for(lambda: telegram.updates == [])
    await telegram.down()

    await eventually_async(lambda: world.version("api") == "v1.2.3")
    await telegram.up()
    await telegram.wait_for(lambda: telegram.find(group, "восстановлено, api → v1.2.3"), 90)

    reports = [m for m in telegram.messages(group) if "восстановлено, api → v1.2.3" in m.text]
    assert len(reports) == 1


async def test_a_faulty_telegram_loses_no_final_message(
    telegram: TelegramServer, world: World, group: Chat, people: dict[str, User]
) -> None:
    """Errors, resets and lost answers: the end is told, at most one duplicate a lost answer."""
    telegram.lenient_callbacks = True
    world.deploy("v1.3.0")
    await telegram.say(people["anna"], group, "/rollback api v1.2.3")
    await decide(telegram, people["anna"], group, "approve")
    for kind in ("500", "lost", "reset", "429"):
        telegram.fail(1, kind, method="sendMessage")
        telegram.fail(1, kind, method="editMessageText")

    await telegram.wait_for(lambda: telegram.find(group, "восстановлено, api → v1.2.3"), 90)
    card = await telegram.wait_for(lambda: telegram.find(group, "Восстановлено и доказано"))

    reports = [m for m in telegram.messages(group) if "восстановлено, api → v1.2.3" in m.text]
    assert card is not None
    assert 1 <= len(reports) <= 2
