"""The door that Slack calls at: whose requests come in, and when."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest
import pytest_asyncio
import uvicorn
from pydantic import SecretStr

from bot.slack import Connected, connect
from bot.slack.door import signature
from bot.web import Health
from bot.web import app as web_app
from commands.settings import SlackSettings
from tests.engines.waiting import eventually
from tests.fakes.clock import FixedClock
from tests.fakes.desk import RecordingDesk
from tests.servers.slack import BOT_TOKEN, Slack
from tests.servers.slack_http import RequestUrl

SECRET = "8f742231b10e8888abcd99baac85a5ff"


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def called(slack: Slack, desk: RecordingDesk, clock: FixedClock) -> Connected:
    """Our side in HTTP mode, not started yet."""
    settings = SlackSettings(
        SecretStr(BOT_TOKEN), None, slack.api_url, signing_secret=SecretStr(SECRET)
    )
    return connect(settings, desk, clock)


@pytest_asyncio.fixture
async def line(slack: Slack, called: Connected) -> AsyncIterator[RequestUrl]:
    """Slack's line to our web app, on a real port."""
    config = uvicorn.Config(
        web_app(Health(), called.routes), port=0, log_level="warning", lifespan="off"
    )
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    port = server.servers[0].sockets[0].getsockname()[1]
    yield slack.call_at(f"http://127.0.0.1:{port}/slack/events", SECRET)
    await called.stop()
    await server.shutdown()


def signed_at(line: RequestUrl, at: datetime) -> None:
    """From now on Slack's clock says this, and stands still with ours."""
    line.signed_ago_s = round(time.time() - at.timestamp())


@pytest.mark.parametrize(
    ("off_s", "status"), [(-301, 401), (-300, 200), (0, 200), (300, 200), (301, 401)]
)
async def test_five_minutes_either_way(
    line: RequestUrl, called: Connected, clock: FixedClock, off_s: int, status: int
) -> None:
    """A request signed 300 s before or after our clock comes in, one of 301 s does not."""
    await called.start()
    body = b"ssl_check=1"
    headers = line.signed(body, clock.now().timestamp() + off_s)

    assert await line.status(body, headers) == status


async def test_a_replay_after_200_s_is_heard_once(
    slack: Slack,
    line: RequestUrl,
    called: Connected,
    desk: RecordingDesk,
    clock: FixedClock,
) -> None:
    """The identical request, when our clock went on by 200 s, is acknowledged and nothing more."""
    await called.start()
    signed_at(line, clock.now())
    asked = await slack.slash("U1", "C1", "/rollback api v1.2.3")
    clock.at += timedelta(seconds=200)

    replay = await line.again(asked)

    assert replay.acked
    assert [one.words for one in desk.accepted] == ["api v1.2.3"]
    assert desk.repeats == 1


async def test_the_door_is_closed_before_the_start_and_after_the_stop(
    line: RequestUrl, called: Connected, clock: FixedClock
) -> None:
    """Without somebody behind it the door says so, and the bot does not call itself well."""
    body = b"ssl_check=1"
    headers = line.signed(body, clock.now().timestamp())
    before, well_before = await line.status(body, headers), called.is_well()
    await called.start()
    during, well_during = await line.status(body, headers), called.is_well()
    await called.stop()
    after, well_after = await line.status(body, headers), called.is_well()

    assert (before, during, after) == (503, 200, 503)
    assert (well_before, well_during, well_after) == (False, True, False)


def test_the_signature_is_slacks_own_example() -> None:
    """As in docs.slack.dev/authentication/verifying-requests-from-slack, to the letter."""
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&"
        b"channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&"
        b"command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2F"
        b"commands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id="
        b"398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )

    made = signature("8f742231b10e8888abcd99yyyzzz85a5", "1531420618", body)

    assert made == "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"


async def test_a_socket_that_broke_is_not_well(slack: Slack, app: Connected) -> None:
    """In Socket Mode too: while Slack is away the bot says so of itself, until Slack is back."""
    assert app.is_well()
    await slack.down()
    await asyncio.to_thread(eventually, lambda: not app.is_well())
    await slack.up()
    await asyncio.to_thread(eventually, app.is_well)
