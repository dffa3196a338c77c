"""Fault case 36, as the channel sees it: Redis has no memory left while a rollback runs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
import redis

from bot.clock import Deadlines
from commands.domain.errors import StoreFullError
from commands.domain.text import text
from tests.engines.redis_server import RedisServer
from tests.engines.waiting import eventually
from tests.faults.bureau import Bureau
from tests.faults.gate import GATED, at_the_gate, done_once, gate, told
from tests.faults.worker_world import WorkerWorld, worker_world
from tests.integration.incident import phrase
from tests.integration.slack_people import ANNA, CHANNEL, on_slack
from tests.servers.slack import Message, Slack
from tests.servers.slack_fixture import slack
from tests.unit.workers.office import ANNA as APPROVER

__all__ = ["gate", "slack"]

pytestmark = [pytest.mark.engine("redis"), pytest.mark.timeout(600)]


@pytest.fixture
def host(
    slack: Slack, redis_server: RedisServer, gate: Path, tmp_path: Path
) -> Iterator[WorkerWorld]:
    """Bot and worker on a real Redis; the customer's check waits at the gate."""
    check = (sys.executable, "-c", GATED, str(gate))
    made = worker_world(tmp_path, redis_server, check=check, chats=on_slack(slack))
    made.start("bot", "worker")
    yield made
    made.stop()
    assert made.world is not None
    made.world.close()


def about(slack: Slack, key: str) -> list[Message]:
    """The channel's messages that say so, or once said so."""
    words = phrase(key)
    return [m for m in slack.messages(CHANNEL) if words in f"{m.all_text}{m.earlier}"]


def follow_ups(slack: Slack) -> list[Message]:
    """What is to be done after a rollback, as the threads of the channel say it."""
    threads = (m for root in slack.messages(CHANNEL) for m in slack.messages(CHANNEL, root))
    return [m for m in threads if "post-mortem" in m.all_text]


def test_a_rollback_that_stands_still_is_told_once_and_so_is_that_it_goes_on(
    slack: Slack, host: WorkerWorld, redis_server: RedisServer, gate: Path
) -> None:
    """Where it stands and what to do; a restarted bot says it in the same message, as is the end.

    Nothing is done meanwhile, and with memory again the rollback ends by itself. Before that Redis
    is away for a while: one message, edited when it is back. At last the watch is closed.
    """
    rollback = at_the_gate(host, gate)
    redis_server.stop()
    try:
        is_away = partial(told, slack, rollback, "away.standing")
        eventually(is_away, what=host.logs)
    finally:
        redis_server.start()
    eventually(partial(told, slack, rollback, "away.over"), what=host.logs)
    with redis.Redis(port=redis_server.port) as server:
        server.config_set("maxmemory", "1")
        known = len(host.events(rollback))
        (gate / "open").touch()
        told_so = partial(told, slack, rollback, "pause.in_step", "Освободите память")
        eventually(told_so, what=host.logs)
        host.kill("bot")
        edits = len(about(slack, "pause.in_step")[0].earlier)
        host.start("bot")
        eventually(
            lambda: len(about(slack, "pause.in_step")[0].earlier) > edits,
            what=host.logs,
        )
        assert len(host.events(rollback)) == known
        server.config_set("maxmemory", "0")
    host.await_status("succeeded", of=rollback)
    eventually(lambda: told(slack, rollback, "pause.over"), what=host.logs)

    assert len(about(slack, "pause.in_step")) == 1
    assert not told(slack, rollback, "pause.in_step")
    assert about(slack, "status.worker_lost") == []
    assert done_once(host, rollback)
    eventually(partial(follow_ups, slack), what=host.logs)
    closed = host.state(rollback)
    assert closed is not None
    assert closed.watch_figure == text("watch.no_observer")
    (away,) = about(slack, "away.standing")
    (incident,) = about(slack, "card.incident")
    assert (away.earlier[0][1][1]["text"]["text"], incident.pings) == (f"<@{ANNA}>", {"!channel"})


async def test_a_full_redis_is_noticed_though_the_job_waits_already(office: Bureau) -> None:
    """Nothing needs to be written to call the worker again: the clock asks whether it could be."""
    clock, services = office.hall.world.clock, office.desk.services
    clock.time = datetime.now(UTC)  # The journal's own entries have the real time.
    rollback = await office.planned()
    await office.press(APPROVER, "approve", rollback)
    deadlines = Deadlines(runbook=office.hall.bots, services=services, clock=clock)
    clock.sleep(20)
    await deadlines.look("production", services["production"])
    waiting = office.hall.jobs()

    office.hall.client.config_set("maxmemory", "1")
    with pytest.raises(StoreFullError):
        await deadlines.look("production", services["production"])
    office.hall.client.config_set("maxmemory", "0")
    await deadlines.look("production", services["production"])

    assert office.hall.jobs() == waiting > 0
    (pause,) = deadlines.pauses.of("production", rollback)
    assert pause.over_at is None
    await office.drive(rollback)
    await deadlines.look("production", services["production"])
    (pause,) = deadlines.pauses.of("production", rollback)
    assert pause.over_at is not None
    assert not office.hall.client.exists("rollbot:production:room")
