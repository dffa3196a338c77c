"""A worker that Redis forgot, through an outage or while it was frozen, is known again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import cast

import pytest
import redis

from commands.store.connection import connect
from commands.store.queue import DRIVE, HEARTBEAT_TTL_S, LiveWorker, live_workers, registry_key
from tests.engines.redis_server import RedisServer
from workers.main import DriveWorker

ENVIRONMENT = "production"
BOTH = pytest.mark.parametrize("client", ["redis", "embedded"], indirect=True)


@pytest.fixture
def client(request: pytest.FixtureRequest) -> Iterator[redis.Redis]:
    name = "redis_server" if request.param == "redis" else "embedded_redis"
    server = request.getfixturevalue(name)
    assert isinstance(server, RedisServer)
    with connect(server.url) as found:
        yield found


@pytest.fixture
def worker(client: redis.Redis) -> DriveWorker:
    """Registered, as it is when it begins to wait for jobs."""
    made = DriveWorker(client, ENVIRONMENT, DRIVE, bool, int)
    cast("Callable[[], None]", made.register_birth)()
    made.heartbeat()
    return made


def living(client: redis.Redis) -> tuple[LiveWorker, ...]:
    return live_workers(client, ENVIRONMENT, datetime.now(UTC))


@BOTH
def test_a_worker_whose_record_expired_is_known_at_its_next_heartbeat(
    client: redis.Redis, worker: DriveWorker
) -> None:
    """Its record is gone after 77 s without a heartbeat, its name stays: one beat mends it."""
    (before,) = living(client)

    client.delete(worker.key)
    assert living(client) == ()
    worker.heartbeat()

    (after,) = living(client)
    assert replace(after, heartbeat_at=before.heartbeat_at) == before


@BOTH
def test_a_worker_is_known_again_after_redis_was_emptied(
    client: redis.Redis, worker: DriveWorker
) -> None:
    """Neither its record nor its name is left: one beat writes both."""
    client.flushdb()
    worker.heartbeat()

    assert [found.name for found in living(client)] == [worker.name]


@BOTH
@pytest.mark.parametrize("pid", [None, "", "-1", "x", "\u0663", "1" * 5000])
def test_a_record_without_a_pid_is_no_living_worker(client: redis.Redis, pid: str | None) -> None:
    """Half a record, as an older worker leaves it, or a forged one: nobody lives, nothing fails."""
    key = "rq:worker:half"
    client.sadd(registry_key(ENVIRONMENT), key)
    client.hset(key, "last_heartbeat", "2026-11-23T06:31:40.036669Z")
    client.expire(key, HEARTBEAT_TTL_S)
    if pid is not None:
        client.hset(key, mapping={"pid": pid, "rollbot_job_stopped": pid})

    assert living(client) == ()
