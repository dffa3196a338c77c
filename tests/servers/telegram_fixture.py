"""The `telegram` fixture: a local Telegram that was used correctly, or the test fails."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.servers.telegram import TelegramServer


@pytest_asyncio.fixture
async def telegram() -> AsyncIterator[TelegramServer]:
    """A running stand-in; at teardown nothing that the bot sent may have been wrong."""
    async with TelegramServer() as server:
        yield server
        server.assert_clean()
