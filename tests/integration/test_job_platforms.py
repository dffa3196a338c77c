"""The main job on Telegram, and one rollback whose approvers sit on two platforms."""

from __future__ import annotations

import asyncio

import pytest

from tests.integration.incident import incident, phrase
from tests.integration.slack_people import ANNA, EGOR
from tests.servers.slack import Slack
from tests.servers.slack_fixture import slack
from tests.servers.telegram import TelegramServer
from tests.servers.telegram_model import Chat, Message, User
from tests.stack.compose import Compose, compose_v2
from tests.stack.fixtures import SamokoderFactory
from tests.stack.installation import Installation
from tests.stack.rollbot_fixtures import InstallationFactory

__all__ = ["slack"]

pytestmark = [
    pytest.mark.engine("docker", "registry", "redis", "compose_v1", "compose_v2"),
    pytest.mark.timeout(600),
]

# As the shipped runbook has them.
GROUP_ID, ANNA_ID, IVAN_ID = -1000000000001, 100000001, 100000008
WITHIN_S = 60


def on_telegram(telegram: TelegramServer) -> dict[str, str]:
    """How the bot finds it."""
    return {"TELEGRAM_BOT_TOKEN": telegram.token, "TELEGRAM_API_URL": telegram.api_url}


def button(telegram: TelegramServer, chat: Chat, label: str) -> tuple[Message, str] | None:
    """The newest message with a button of that label, and what it carries."""
    for message in reversed(telegram.messages(chat)):
        for one in (one for row in message.keyboard for one in row):
            if label in one.text and one.data:
                return message, one.data
    return None


async def press(telegram: TelegramServer, person: User, chat: Chat, label: str) -> None:
    """Press a button, and yes when it asks once more."""
    found = await telegram.wait_for(lambda: button(telegram, chat, label), WITHIN_S)
    assert found is not None
    message, data = found
    await telegram.press(person, message, data)
    if data.startswith("?"):
        sure = "!" + data.removeprefix("?")
        asked = await telegram.wait_for(lambda: offering(telegram, chat, sure), WITHIN_S)
        assert asked is not None
        await telegram.press(person, asked, sure)


def offering(telegram: TelegramServer, chat: Chat, data: str) -> Message | None:
    """The newest message with a button that carries this."""
    with_it = (m for m in reversed(telegram.messages(chat)) if m.find_button(data))
    return next(with_it, None)


async def says(telegram: TelegramServer, chat: Chat, words: str) -> Message:
    """Wait for a message that says so."""
    found = await telegram.wait_for(lambda: telegram.find(chat, words), WITHIN_S)
    assert found is not None
    return found


async def until(made: Installation, status: str) -> None:
    """Wait for the first rollback to stand there, while Telegram goes on being served."""
    await asyncio.to_thread(made.await_status, status)


async def test_the_main_job_on_telegram(
    telegram: TelegramServer,
    compose: Compose,
    samokoder: SamokoderFactory,
    installation: InstallationFactory,
) -> None:
    """Words in a group, plan, button with its question, proof, checklist ticked by a person."""
    group = telegram.group("Incidents", chat_id=GROUP_ID)
    anna = telegram.user("Anna", user_id=ANNA_ID)
    project = await asyncio.to_thread(samokoder, compose, "v1.3.0")
    before = project.identities()
    made = installation(project, chats=on_telegram(telegram), stable_s=0.3)
    made.start()
    await asyncio.to_thread(made.await_worker)

    await telegram.say(anna, group, '/rollback api v1.2.3 --reason "5xx 12 %"')
    await press(telegram, anna, group, phrase("button.approve"))
    await until(made, "succeeded")
    await says(telegram, group, phrase("card.incident"))
    await says(telegram, group, phrase("card.resolved") + " api → v1.2.3")
    await says(telegram, group, phrase("status.succeeded"))
    await press(telegram, anna, group, "Запросы к базе работают")
    await telegram.wait_for(lambda: ticked(telegram, group), WITHIN_S)

    assert project.version("api") == "v1.2.3"
    after = project.identities()
    assert {s for s in after if after[s] != before[s]} == {"api"}
    state = made.state()
    assert state is not None
    assert {point: by for point, (by, _) in state.ticks.items()} == {"database": "anna"}


def ticked(telegram: TelegramServer, group: Chat) -> bool:
    """The checklist shows the person's name beside the point."""
    checklist = telegram.find(group, "чек-лист")
    if checklist is None:
        return False
    point = next(i for i in checklist.text.splitlines() if "Запросы к базе" in i)
    return "Анна" in checklist.text[checklist.text.index(point) :]


async def test_full_with_one_approver_on_each_platform(
    telegram: TelegramServer,
    slack: Slack,
    samokoder: SamokoderFactory,
    installation: InstallationFactory,
) -> None:
    """The commander answers on Slack, the CTO on Telegram; both platforms hear the end."""
    group = telegram.group("Incidents", chat_id=GROUP_ID)
    ivan = telegram.user("Ivan", user_id=IVAN_ID)
    project = await asyncio.to_thread(samokoder, compose_v2(), "v1.3.0")
    before = project.identities()
    chats = on_telegram(telegram)
    there = await incident(project, slack, installation, chats=chats).begins()

    rollback = await there.asks_and_sees("/rollback full v1.2.3")
    await press(telegram, ivan, telegram.private(ivan), phrase("button.approve"))
    await there.shows(rollback, phrase("status.planned") + " Incident Commander")
    await there.answers_directly(EGOR, rollback, phrase("button.approve"))
    state = await there.until("succeeded", of=rollback, within_s=180)
    await there.shows(rollback, phrase("card.resolved") + " full → v1.2.3")
    await says(telegram, group, phrase("card.resolved") + " full → v1.2.3")
    await there.presses(ANNA, rollback, "Запросы к базе работают")
    await there.shows(rollback, "чек-лист", "Анна")

    assert set(state.approvers) == {"egor", "ivan"}
    assert [project.version(s) for s in ("api", "worker", "frontend")] == ["v1.2.3"] * 3
    after = project.identities()
    assert {s for s in after if after[s] == before[s]} == {"db", "redis"}
