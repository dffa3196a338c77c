"""A Slack workspace, our app in it, and a desk that remembers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
import pytest_asyncio
from pydantic import SecretStr

from bot.slack import Connected, connect
from bot.slack.manifest import SCOPES
from commands.settings import SlackSettings
from tests.fakes.desk import RecordingDesk
from tests.servers.slack import APP_TOKEN, BOT_TOKEN, Slack


class WallClock:
    """The machine's time."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        raise AssertionError("the bot's loop must not block")


@pytest_asyncio.fixture
async def slack() -> AsyncIterator[Slack]:
    """A workspace that grants what our manifest asks for; used wrongly, the test fails."""
    async with Slack.running(frozenset(SCOPES)) as running:
        running.person("U1", "ann")
        running.person("U2", "guest", guest=True)
        running.person("U3", "stranger", team="T0OTHER")
        running.channel("C1", "U1", "U2", "U3", name="inc-prod")
        yield running
        assert running.violations == []


@pytest.fixture
def settings(slack: Slack) -> SlackSettings:
    return SlackSettings(SecretStr(BOT_TOKEN), SecretStr(APP_TOKEN), slack.api_url)


@pytest.fixture
def desk() -> RecordingDesk:
    return RecordingDesk()


@pytest_asyncio.fixture
async def app(settings: SlackSettings, desk: RecordingDesk) -> AsyncIterator[Connected]:
    """Our side, connected."""
    connected = connect(settings, desk, WallClock())
    await connected.start()
    yield connected
    await connected.stop()
