"""The stand-in for Slack, seen through Slack's own client library."""

from __future__ import annotations

import functools
import json
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.servers.slack import APP_TOKEN, BOT_TOKEN, Fault, Slack
from tests.servers.slack_thread import slack_in_thread


def _button(**more: Any) -> dict[str, Any]:
    label = {"type": "plain_text", "text": "Approve"}
    return {"type": "button", "text": label, "action_id": "approve", "value": "v1", **more}


def _actions(*buttons: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"type": "actions", "elements": list(buttons)}]


@pytest_asyncio.fixture
async def slack() -> AsyncIterator[Slack]:
    """A workspace with one channel and one person."""
    async with Slack.running() as running:
        running.person("U1", "ann")
        running.channel("C1", "U1")
        yield running


@pytest.fixture
def client(slack: Slack) -> AsyncWebClient:
    return AsyncWebClient(token=BOT_TOKEN, base_url=slack.api_url, retry_handlers=[])


@asynccontextmanager
async def listening(slack: Slack, app: AsyncApp) -> AsyncIterator[None]:
    opener = AsyncWebClient(base_url=slack.api_url)
    handler = AsyncSocketModeHandler(app, APP_TOKEN, web_client=opener, ping_interval=0.2)
    await handler.connect_async()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        await handler.close_async()  # type: ignore[no-untyped-call]


@pytest.fixture
def app(client: AsyncWebClient) -> AsyncApp:
    app = AsyncApp(client=client, request_verification_enabled=False)
    seen: list[str] = []

    @app.command("/rollback")
    async def command(ack: Any, body: dict[str, Any]) -> None:
        await ack(f"heard {body['text']}")

    @app.action("approve")
    async def action(ack: Any, body: dict[str, Any], respond: Any) -> None:
        await ack()
        seen.append(body["actions"][0]["value"])
        await respond(text=f"clicked {seen}", replace_original=False)

    return app


async def test_a_post_is_seen_and_can_be_edited(slack: Slack, client: AsyncWebClient) -> None:
    """What is posted stands in the channel, with its history of edits and its metadata."""
    meta = {"event_type": "delivery", "event_payload": {"id": "d1"}}
    posted = await client.chat_postMessage(
        channel="C1", text="one", blocks=_actions(_button()), metadata=meta
    )
    await client.chat_update(channel="C1", ts=posted["ts"], text="two")
    history = await client.conversations_history(channel="C1", include_all_metadata=True)

    [message] = slack.messages("C1")
    assert (message.text, message.blocks, message.earlier[0][0]) == ("two", [], "one")
    assert history["messages"][0]["metadata"] == meta
    assert slack.violations == []


async def test_wrong_calls_are_refused_and_remembered(slack: Slack) -> None:
    """A wrong token, an unknown method and a broken block are each named at the end."""
    stranger = AsyncWebClient(token="xoxb-nobody", base_url=slack.api_url, retry_handlers=[])
    ours = AsyncWebClient(token=BOT_TOKEN, base_url=slack.api_url, retry_handlers=[])
    long = [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}]

    with pytest.raises(SlackApiError, match="invalid_auth"):
        await stranger.auth_test()
    with pytest.raises(SlackApiError, match="unknown_method"):
        await ours.api_call("chat.shout")
    with pytest.raises(SlackApiError, match="invalid_blocks"):
        await ours.chat_postMessage(channel="C1", text="x", blocks=long)

    assert [violation.split(":")[0] for violation in slack.violations] == [
        "auth.test called with the wrong token",
        "unknown method chat.shout",
        "invalid_blocks",
    ]


async def test_an_edit_of_what_never_stood_is_a_violation(
    slack: Slack, client: AsyncWebClient
) -> None:
    """A deleted message is bad luck; a message that never was is our mistake."""
    posted = await client.chat_postMessage(channel="C1", text="one")
    slack.delete(slack.messages("C1")[0])

    with pytest.raises(SlackApiError, match="message_not_found"):
        await client.chat_update(channel="C1", ts=posted["ts"], text="two")
    assert slack.violations == []
    with pytest.raises(SlackApiError, match="message_not_found"):
        await client.chat_update(channel="C1", ts="1.000009", text="two")
    assert len(slack.violations) == 1


async def test_faults_come_when_asked_for(slack: Slack, client: AsyncWebClient) -> None:
    """Of a lost reply the message stands; of a refused call it does not."""
    slack.faults.next("chat.postMessage", Fault.RATE_LIMITED)
    with pytest.raises(SlackApiError, match="ratelimited"):
        await client.chat_postMessage(channel="C1", text="limited")
    slack.faults.next("chat.postMessage", Fault.REPLY_LOST)
    with pytest.raises(aiohttp.ClientError):
        await client.chat_postMessage(channel="C1", text="lost")
    slack.faults.next("chat.postMessage", Fault.RESET)
    with pytest.raises(aiohttp.ClientError):
        await client.chat_postMessage(channel="C1", text="reset")

    assert [message.text for message in slack.messages("C1")] == ["lost"]


async def test_a_command_is_answered_to_its_asker(slack: Slack, app: AsyncApp) -> None:
    """The acknowledgement arrives in time and its text is shown to the asker alone."""
    async with listening(slack, app):
        delivery = await slack.slash("U1", "C1", "/rollback api v1.2.3")

    assert delivery.acked
    assert [one.text for one in slack.ephemerals("U1")] == ["heard api v1.2.3"]


async def test_a_click_carries_the_value_of_its_button(
    slack: Slack, app: AsyncApp, client: AsyncWebClient
) -> None:
    """The app gets the value that it posted, and again when the envelope comes twice."""
    confirm = {
        "title": {"type": "plain_text", "text": "Sure?"},
        "text": {"type": "plain_text", "text": "It hurts"},
        "confirm": {"type": "plain_text", "text": "Yes"},
        "deny": {"type": "plain_text", "text": "No"},
    }
    await client.chat_postMessage(channel="C1", text="?", blocks=_actions(_button(confirm=confirm)))
    [message] = slack.messages("C1")
    async with listening(slack, app):
        with pytest.raises(AssertionError, match="confirmation"):
            await slack.click("U1", message, "approve")
        delivery = await slack.click("U1", message, "approve", confirm=True)
        await slack.resend(delivery)
        await slack.wait_for(lambda: len(slack.ephemerals("U1")) == 2)

    assert slack.ephemerals("U1")[-1].text == "clicked ['v1', 'v1']"
    assert slack.violations == []


async def test_the_app_comes_back_after_an_outage(slack: Slack, app: AsyncApp) -> None:
    """After an outage and after a refresh a command still arrives."""
    async with listening(slack, app):
        await slack.slash("U1", "C1", "/rollback 1")
        await slack.down()
        await slack.up()
        await slack.slash("U1", "C1", "/rollback 2")
        first = slack.socket.connections[0]
        await slack.socket.refresh()
        await slack.wait_for(lambda: first not in slack.socket.connections)
        await slack.slash("U1", "C1", "/rollback 3")

    assert [one.text for one in slack.ephemerals("U1")] == ["heard 1", "heard 2", "heard 3"]


async def test_more_than_a_burst_is_slowed_down(slack: Slack, client: AsyncWebClient) -> None:
    """Strictly, the second post within a second is refused with a time to wait."""
    slack.rates.strict = True
    await client.chat_postMessage(channel="C1", text="one")
    with pytest.raises(SlackApiError) as refused:
        await client.chat_postMessage(channel="C1", text="two")

    assert refused.value.response.headers["Retry-After"] == "1"


async def test_on_its_own_thread_it_answers_a_test_that_blocks() -> None:
    """A call from another thread is answered while this one's loop stands still."""
    with slack_in_thread() as slack:
        slack.person("U1")
        slack.channel("C1", "U1")
        post = functools.partial(
            urllib.request.urlopen,
            urllib.request.Request(
                f"{slack.api_url}auth.test",
                method="POST",
                headers={"Authorization": f"Bearer {BOT_TOKEN}"},
            ),
        )
        with post(timeout=5) as answer:  # blocks the loop of this test
            assert json.load(answer)["ok"]
        await slack.wait_for(lambda: slack.calls("auth.test"))
        with pytest.raises(TimeoutError):
            await slack.slash("U1", "C1", "/rollback", wait_s=0.1)
