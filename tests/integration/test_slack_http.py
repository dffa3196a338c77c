"""The bot process in Slack's HTTP mode: signatures, retries, replays, death after an ack."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
import pytest_asyncio

from bot.slack.manifest import SCOPES
from bot.web import BODY_MAX
from commands.runbook import shipped_runbook
from tests.engines.redis_server import RedisServer, embedded_program
from tests.integration.called_bot import CalledBot
from tests.servers.slack import BOT_TOKEN, TEAM, Message, Slack
from tests.servers.slack_http import HttpDelivery, RequestUrl

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
CANARY = "canary-reason-4711"
ANNA, CHANNEL = "U00000001", "C00000001"
PEOPLE = tuple(f"U0000000{number}" for number in range(1, 10))


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(embedded_program(), tmp_path)
    server.start()
    yield server
    server.kill9()


@pytest_asyncio.fixture
async def workspace() -> AsyncIterator[Slack]:
    """The shipped runbook's channel and people."""
    async with Slack.running(frozenset(SCOPES)) as slack:
        for user in PEOPLE:
            slack.person(user)
        slack.channel(CHANNEL, *PEOPLE)
        yield slack
        assert slack.violations == []


@pytest.fixture
def bot(workspace: Slack, journal: RedisServer, tmp_path: Path) -> CalledBot:
    """A bot with a signing secret and without an app token."""
    variables = {
        "SLACK_BOT_TOKEN": BOT_TOKEN,
        "SLACK_SIGNING_SECRET": SECRET,
        "SLACK_API_URL": workspace.api_url,
    }
    runbook = shipped_runbook().replace(b"T00000000", TEAM.encode())
    return CalledBot(tmp_path, journal, runbook, variables)


@pytest.fixture
def line(workspace: Slack, bot: CalledBot) -> RequestUrl:
    return workspace.call_at(f"{bot.origin}/slack/events", SECRET)


def cards(slack: Slack) -> list[Message]:
    """Live cards in the channel: those that carry buttons."""
    return [one for one in slack.messages(CHANNEL) if one.buttons]


async def only_one_plan(slack: Slack) -> None:
    """What was said later is answered, so that a second plan would be there by now."""
    before = len(slack.ephemerals(ANNA))
    await slack.slash(ANNA, CHANNEL, "/rollback status RB-2")
    await slack.wait_for(lambda: len(slack.ephemerals(ANNA)) > before)
    said = "".join(one.all_text for one in slack.messages(CHANNEL))
    assert len(cards(slack)) == 1
    assert "RB-2" not in said


async def test_words_buttons_and_forms_come_by_one_address(
    workspace: Slack, bot: CalledBot, line: RequestUrl
) -> None:
    """A form asks for a rollback, its card's button ends it: without a socket."""
    async with bot.running():
        await workspace.slash(ANNA, CHANNEL, "/rollback")
        await workspace.wait_for(lambda: workspace.form(ANNA))
        await workspace.pick(ANNA, "form:service", "worker")
        await workspace.wait_for(lambda: "version:worker" in str(workspace.form(ANNA)))
        offered = await workspace.suggest(ANNA, "form:version", "v1.2.3")
        await workspace.submit(ANNA, **{"form:version": "v1.2.3"})
        [card] = await workspace.wait_for(lambda: cards(workspace))
        pressed = await workspace.click(ANNA, card, "card:cancel", confirm=True)
        await workspace.wait_for(lambda: not card.buttons)

    assert "v1.2.3" in [one["value"] for one in offered]
    assert "worker" in card.all_text
    assert pressed.acked
    assert workspace.socket.deliveries == []


async def test_a_command_that_slack_retries_is_one_plan(
    workspace: Slack, bot: CalledBot, line: RequestUrl
) -> None:
    """Case 5: the same command three times more, each newly signed, and there is one plan."""
    async with bot.running():
        asked = await workspace.slash(ANNA, CHANNEL, "/rollback api v1.2.3")
        retries = [await line.retried(asked, number) for number in (1, 2, 3)]
        await workspace.wait_for(lambda: cards(workspace))
        await only_one_plan(workspace)

    assert [one.status for one in retries] == [200, 200, 200]


async def test_a_request_replayed_after_200_s_is_one_plan(
    workspace: Slack, bot: CalledBot, line: RequestUrl
) -> None:
    """Case 6: a request signed 200 s ago, and its identical copy, are accepted and are one plan."""
    line.signed_ago_s = 200
    async with bot.running():
        asked = await workspace.slash(ANNA, CHANNEL, "/rollback api v1.2.3")
        await workspace.wait_for(lambda: cards(workspace))
        replay = await line.again(asked)
        line.signed_ago_s = 0
        await only_one_plan(workspace)

    assert asked.acked
    assert replay.acked


async def test_a_thousand_copies_are_one_plan(
    workspace: Slack, bot: CalledBot, line: RequestUrl
) -> None:
    """Eight at a time, 1,000 identical deliveries are all acknowledged and are one plan."""
    turns = asyncio.Semaphore(8)

    async def copied() -> HttpDelivery:
        async with turns:
            return await line.again(asked)

    async with bot.running():
        asked = await workspace.slash(ANNA, CHANNEL, "/rollback api v1.2.3")
        copies = await asyncio.gather(*(copied() for _ in range(1_000)))
        await workspace.wait_for(lambda: cards(workspace))
        await only_one_plan(workspace)

    took_s = sorted(one.ack_after_s or 99.0 for one in copies)
    assert all(one.acked for one in copies)
    assert took_s[989] < 3.0, f"p99 {took_s[989]:.2f} s, Slack waits for 3 s"


async def test_a_bad_signature_is_refused_and_its_body_is_not_logged(
    workspace: Slack, bot: CalledBot, line: RequestUrl
) -> None:
    """Case 7: too old, too far ahead, wrong, non-ASCII, none: 401, no plan, not logged."""
    body = urlencode(
        {"command": "/rollback", "text": f"api v1.2.3 --reason {CANARY}", "user_id": ANNA}
    ).encode()
    good = line.signed(body)
    signature = good["X-Slack-Signature"]
    async with bot.running():
        now = time.time()
        refused = [
            await line.status(body, headers)
            for headers in (
                line.signed(body, now - 301),
                line.signed(body, now + 330),
                {**good, "X-Slack-Signature": signature[:-1] + "x"},
                {**good, "X-Slack-Signature": "v0=подпись"},
                {**good, "X-Slack-Request-Timestamp": "вчера"},
                {**good, "X-Slack-Request-Timestamp": "٣"},
                {"Content-Type": good["Content-Type"]},
            )
        ]
        too_large = await line.status(b"x" * (BODY_MAX + 1), good)

    log = bot.log.read_text()
    assert refused == [401] * 7
    assert too_large == 413
    assert workspace.messages(CHANNEL) == []
    assert workspace.calls("users.info") == []
    assert CANARY not in log
    assert SECRET not in log
    assert "Traceback" not in log


async def test_a_bot_killed_after_its_ack_plans_at_the_next_start(
    workspace: Slack, bot: CalledBot, line: RequestUrl
) -> None:
    """Case 8: killed as soon as it has acknowledged, the plan stands, once, after the restart."""
    async with bot.running() as killed:
        asked = await workspace.slash(ANNA, CHANNEL, "/rollback api v1.2.3")
        killed.kill()
        await killed.wait()
    assert asked.acked

    async with bot.running():
        await workspace.wait_for(lambda: cards(workspace))
        await line.retried(asked, 1)
        await only_one_plan(workspace)


async def test_a_store_that_is_away_is_said_within_slacks_time(
    workspace: Slack, bot: CalledBot, line: RequestUrl, journal: RedisServer
) -> None:
    """Nothing is acknowledged that was not kept: the answer itself says "not accepted"."""
    async with bot.running():
        journal.kill9()
        asked = await workspace.slash(ANNA, CHANNEL, "/rollback api v1.2.3")

    assert asked.status == 200  # type: ignore[attr-defined]
    assert workspace.messages(CHANNEL) == []
    assert workspace.ephemerals(ANNA)
