"""The bot process on Slack: typed words to cards, through a real journal, kills and outages."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio

from bot.slack.manifest import SCOPES
from commands.runbook import shipped_runbook
from tests.engines.redis_server import RedisServer, embedded_program
from tests.servers.slack import APP_TOKEN, BOT_TOKEN, TEAM, Fault, Message, Slack

BOT = "from rollbot.cli import main; main()"
ANNA, GUEST, CHANNEL, ELSEWHERE = "U00000001", "U0GUEST", "C00000001", "C0OTHER"
PEOPLE = tuple(f"U0000000{number}" for number in range(1, 10))


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(embedded_program(), tmp_path)
    server.start()
    yield server
    server.kill9()


@pytest_asyncio.fixture
async def workspace() -> AsyncIterator[Slack]:
    """The shipped runbook's channel and people, and an app with our manifest's scopes."""
    async with Slack.running(frozenset(SCOPES)) as slack:
        for user in PEOPLE:
            slack.person(user)
        slack.person(GUEST, guest=True)
        slack.channel(CHANNEL, *PEOPLE, GUEST)
        slack.channel(ELSEWHERE, *PEOPLE)
        yield slack
        assert slack.violations == []


@asynccontextmanager
async def bot(
    slack: Slack, journal: RedisServer, folder: Path
) -> AsyncIterator[asyncio.subprocess.Process]:
    runbook = folder / "runbook.toml"
    runbook.write_text(shipped_runbook().decode().replace("T00000000", TEAM))
    environment = {
        "PATH": os.environ["PATH"],
        "ROLLBOT_RUNBOOK": str(runbook),
        "ROLLBOT_STATE_DIR": str(folder / "state"),
        "REDIS_URL": journal.url,
        "ROLLBOT_JOURNAL_KEY_PRODUCTION": "k" * 64,
        "SLACK_BOT_TOKEN": BOT_TOKEN,
        "SLACK_APP_TOKEN": APP_TOKEN,
        "SLACK_API_URL": slack.api_url,
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", BOT, "bot"), env=environment, cwd=Path(__file__).parents[2]
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await asyncio.wait_for(process.wait(), 30)


def cards(slack: Slack) -> list[Message]:
    """Live cards in the channel: those that carry buttons."""
    return [one for one in slack.messages(CHANNEL) if one.buttons]


async def ask(slack: Slack, words: str, user: str = ANNA) -> None:
    delivery = await slack.slash(user, CHANNEL, f"/rollback {words}")
    assert delivery.acked


async def test_words_become_one_live_card(
    workspace: Slack, journal: RedisServer, tmp_path: Path
) -> None:
    """One command gives one card with the reason and its buttons; a repetition gives no other."""
    async with bot(workspace, journal, tmp_path):
        first = await workspace.slash(
            ANNA, CHANNEL, '/rollback api v1.2.3 --reason "ошибки 12 %"', wait_s=30
        )
        await workspace.resend(first)
        await workspace.resend(first)
        [card] = await workspace.wait_for(lambda: cards(workspace))
        await ask(workspace, "status RB-1")
        await workspace.wait_for(lambda: len(workspace.ephemerals(ANNA)) >= 2)

    assert "RB-1" in card.all_text
    assert "ошибки 12 %" in card.all_text
    assert len(cards(workspace)) == 1
    assert "RB-2" not in "".join(one.all_text for one in workspace.messages(CHANNEL))


async def test_a_pressed_cancel_ends_it(
    workspace: Slack, journal: RedisServer, tmp_path: Path
) -> None:
    """The button on the card does what it says, once confirmed, and the card shows it."""
    async with bot(workspace, journal, tmp_path):
        await ask(workspace, "api v1.2.3")
        [card] = await workspace.wait_for(lambda: cards(workspace))
        await workspace.click(ANNA, card, "card:cancel", confirm=True)
        await workspace.wait_for(lambda: not card.buttons)

    assert card.earlier


async def test_refusals_are_private(workspace: Slack, journal: RedisServer, tmp_path: Path) -> None:
    """Typos, guests and unbound channels are answered to the asker alone; nothing is planned."""
    async with bot(workspace, journal, tmp_path):
        await ask(workspace, "apii v1.2.3")
        await ask(workspace, "api v1.2.3", GUEST)
        await workspace.slash(ANNA, ELSEWHERE, "/rollback api v1.2.3")
        await workspace.wait_for(lambda: len(workspace.ephemerals(ANNA)) == 2)
        await workspace.wait_for(lambda: len(workspace.ephemerals(GUEST)) == 1)

    assert "api" in workspace.ephemerals(ANNA)[0].text
    assert workspace.messages(CHANNEL) == []


async def test_the_bare_command_opens_a_form(
    workspace: Slack, journal: RedisServer, tmp_path: Path
) -> None:
    """The form's services are the runbook's, and sent off it asks for a rollback."""
    async with bot(workspace, journal, tmp_path):
        await ask(workspace, "")
        await workspace.wait_for(lambda: workspace.form(ANNA))
        await workspace.pick(ANNA, "form:service", "worker")
        await workspace.wait_for(lambda: "version:worker" in str(workspace.form(ANNA)))
        await workspace.suggest(ANNA, "form:version", "v1.2.3")
        await workspace.submit(ANNA, **{"form:version": "v1.2.3"})
        [card] = await workspace.wait_for(lambda: cards(workspace))

    assert "worker" in card.all_text


async def test_a_killed_bot_posts_nothing_twice(
    workspace: Slack, journal: RedisServer, tmp_path: Path
) -> None:
    """After kill -9 the next bot goes on with the same card, and hears the buttons of it."""
    async with bot(workspace, journal, tmp_path) as killed:
        await ask(workspace, "api v1.2.3")
        await workspace.wait_for(lambda: cards(workspace))
        killed.kill()
        await killed.wait()
    await workspace.wait_for(lambda: not workspace.socket.connections)

    async with bot(workspace, journal, tmp_path):
        await workspace.wait_for(lambda: workspace.socket.connections)
        [card] = cards(workspace)
        await workspace.click(ANNA, card, "card:cancel", confirm=True)
        await workspace.wait_for(lambda: not card.buttons)

    assert cards(workspace) == []
    deliveries = [str(one.metadata) for one in workspace.messages(CHANNEL)]
    assert len(deliveries) == len(set(deliveries))


async def test_an_outage_of_slack_delays_and_loses_nothing(
    workspace: Slack, journal: RedisServer, tmp_path: Path
) -> None:
    """What was asked just before Slack went away is shown, once, when it is back."""
    async with bot(workspace, journal, tmp_path):
        workspace.faults.next("chat.postMessage", Fault.SERVER_ERROR, times=3)
        await ask(workspace, "api v1.2.3")
        await workspace.wait_for(lambda: workspace.calls("chat.postMessage"))
        await workspace.down()
        await workspace.up()
        await workspace.wait_for(lambda: cards(workspace))

    assert len(cards(workspace)) == 1


async def test_a_deleted_card_is_posted_anew(
    workspace: Slack, journal: RedisServer, tmp_path: Path
) -> None:
    """Somebody deletes the card; the next change is shown by a new one, whose buttons work."""
    async with bot(workspace, journal, tmp_path):
        await ask(workspace, "api v1.2.3")
        [card] = await workspace.wait_for(lambda: cards(workspace))
        workspace.delete(card)
        await ask(workspace, "api v1.2.3", PEOPLE[1])  # Who joins is a change to be shown.
        [anew] = await workspace.wait_for(lambda: cards(workspace))
        await workspace.click(ANNA, anew, "card:cancel", confirm=True)
        await workspace.wait_for(lambda: not anew.buttons)

    assert anew.ts != card.ts


async def test_within_slacks_limits_everything_arrives(
    workspace: Slack, journal: RedisServer, tmp_path: Path
) -> None:
    """One post a second, and calls that fail in every way: each card stands, and stands once."""
    workspace.rates.strict = True
    async with bot(workspace, journal, tmp_path):
        await ask(workspace, "help")
        for fault in (Fault.RATE_LIMITED, Fault.SERVER_ERROR, Fault.RESET, Fault.REPLY_LOST):
            workspace.faults.next("chat.postMessage", fault)
            workspace.faults.next("chat.update", fault)
        for user, version in zip(PEOPLE, ("v1.2.3", "v1.2.2", "v1.2.1"), strict=False):
            await ask(workspace, f"api {version}", user)
        await workspace.wait_for(lambda: len(cards(workspace)) == 3)

    deliveries = [str(one.metadata) for one in workspace.messages(CHANNEL)]
    assert len(deliveries) == len(set(deliveries))
