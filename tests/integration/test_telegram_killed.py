"""A bot killed between fetching an update and being done with it (fault case 9)."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.servers.telegram import TelegramServer

CHILD = "tests.integration.telegram_listener_process"


@asynccontextmanager
async def listening(
    telegram: TelegramServer, file: Path, dies: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    address = (telegram.api_url, telegram.token, str(file), dies)
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", CHILD, *address),
        stdin=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    try:
        yield child
    finally:
        if child.returncode is None:
            child.kill()
        await child.wait()


@pytest.mark.parametrize("dies", ["before", "after"])
async def test_an_update_fetched_by_a_killed_bot_is_handled_exactly_once(
    telegram: TelegramServer, tmp_path: Path, dies: str
) -> None:
    """Killed before or after it wrote the update down: the next bot has it once, none is lost."""
    file = tmp_path / "inbox"
    file.touch()
    anna, chat = telegram.user("Anna"), telegram.group("Incidents")
    first = await telegram.say(anna, chat, "/rollback api v1.2.3")
    second = await telegram.say(anna, chat, "/rollback worker v1.2.3")
    async with listening(telegram, file, dies) as killed:
        assert await asyncio.wait_for(killed.wait(), 60) == -9
    assert len(telegram.updates) == 2

    async with listening(telegram, file, "never") as successor:
        await telegram.wait_for(lambda: not telegram.updates)
        await asyncio.wait_for(successor.communicate(b""), 60)

    assert file.read_text().splitlines() == [
        f"message:{chat.id}:{message.id}" for message in (first, second)
    ]
