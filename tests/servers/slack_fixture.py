"""The `slack` fixture: a local Slack that was used correctly, or the test fails.

Import it where it is wanted: `from tests.servers.slack_fixture import slack`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.servers.slack import Slack


@pytest_asyncio.fixture
async def slack() -> AsyncIterator[Slack]:
    """A running stand-in; at teardown nothing that the app sent may have been wrong."""
    async with Slack.running() as running:
        yield running
        assert running.violations == []
