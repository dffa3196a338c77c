"""Slash-command acknowledgement at 50 commands a second, as Slack sees it over Socket Mode."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.bench.places import Line, percentile, redis_server
from tests.engines.redis_server import RedisServer
from tests.integration.slack_people import ANNA, CHANNEL, on_slack, slack_people
from tests.servers.slack import Slack
from tests.stack.compose import compose_v2
from tests.stack.images import Images
from tests.stack.installation import Installation
from tests.stack.project import Samokoder
from tests.stack.runbook_file import runbook_for

A_SECOND = 50
SECONDS = 6


def measure() -> Iterator[Line]:
    """Type 50 commands a second for some seconds; every one is persisted before its ack."""
    with redis_server() as redis:
        waits = asyncio.run(_typed(redis))
    p99 = percentile(waits, 0.99)
    note = f"p99 {p99:.1f} ms of {len(waits)} at {A_SECOND}/s; bound: p99 100 ms"
    yield Line("slash command → ack", tuple(waits), note)


async def _typed(redis: RedisServer) -> list[float]:
    with tempfile.TemporaryDirectory(prefix="rollbot-bench-") as directory:
        async with Slack.running() as slack:
            chats = on_slack(slack)
            nowhere = Samokoder(compose_v2(), Images(None, "localhost:1"), Path(directory))  # type: ignore[arg-type]
            runbook = slack_people(runbook_for(nowhere))
            made = Installation(nowhere, redis, Path(directory), runbook, chats)
            made.start("bot")
            try:
                await slack.wait_for(lambda: slack.socket.connected, timeout_s=20)
                await slack.slash(ANNA, CHANNEL, "/rollback status")
                return await _burst(slack)
            finally:
                made.stop()


async def _burst(slack: Slack) -> list[float]:
    async with asyncio.TaskGroup() as tasks:
        typed = []
        for _ in range(A_SECOND * SECONDS):
            typed.append(tasks.create_task(slack.slash(ANNA, CHANNEL, "/rollback status")))
            await asyncio.sleep(1 / A_SECOND)
    waits = [task.result().ack_after_s for task in typed]
    return [wait * 1000 for wait in waits if wait is not None]
