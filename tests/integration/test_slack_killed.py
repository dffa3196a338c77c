"""A bot killed around the moment at which Slack is told that a command was taken."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.servers.slack import Slack

CHILD = "tests.integration.slack_listener_process"


@asynccontextmanager
async def listening(
    slack: Slack, file: Path, dies: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", CHILD, slack.api_url, str(file), dies),
        stdin=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    try:
        yield child
    finally:
        if child.returncode is None:
            child.kill()
        await child.wait()


@pytest.mark.parametrize(("dies", "kept"), [("before", 0), ("after", 1)])
async def test_no_ack_without_a_record_and_no_second_record(
    tmp_path: Path, dies: str, kept: int
) -> None:
    """A killed bot never acknowledged what it did not keep; the repetition is kept exactly once."""
    file = tmp_path / "inbox"
    file.touch()
    async with Slack.running() as slack:
        slack.person("U1")
        slack.channel("C1", "U1")
        async with listening(slack, file, dies) as killed:
            delivery = await slack.slash("U1", "C1", "/rollback api v1.2.3")
            assert await asyncio.wait_for(killed.wait(), 60) == -9
        assert not delivery.acked
        assert len(file.read_text().splitlines()) == kept
        await slack.wait_for(lambda: not slack.socket.connections)
        slack.violations.clear()

        async with listening(slack, file, "never") as successor:
            again = await slack.socket.deliver(delivery.envelope)
            await asyncio.wait_for(successor.communicate(b""), 60)

        assert again.acked
        trigger = delivery.payload["trigger_id"]
        assert file.read_text().splitlines() == [f"slack:{trigger}"]
        assert slack.violations == []
