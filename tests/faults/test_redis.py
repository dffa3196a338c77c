"""Fault cases 34 to 38 with bot and worker: Redis restarted, killed, full, emptied, away."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from commands.domain import events as e
from commands.domain.errors import (
    StateLostError,
    StoreError,
    StoreFullError,
    StoreUnavailableError,
    TamperedJournalError,
)
from commands.domain.observed import ObservedRecord
from commands.domain.state import Status
from commands.store.high_water import HighWater
from commands.store.opening import open_store
from tests.engines.redis_server import RedisServer
from tests.faults.bureau import Bureau, bureau
from tests.unit.workers.office import ANNA
from workers.watching import remembered


@pytest.fixture
async def office(any_redis: RedisServer, tmp_path: Path) -> AsyncIterator[Bureau]:
    """A desk and a worker on a real Redis, and on the embedded one."""
    made = bureau(any_redis, tmp_path)
    yield made
    await made.close()


@pytest.mark.parametrize("killed", [False, True])
async def test_a_server_that_went_at_every_step(
    office: Bureau, any_redis: RedisServer, killed: bool
) -> None:
    """Cases 34, 35: restarted or killed before every entry: nothing lost, nothing done twice."""
    rollback = await office.planned()
    await office.press(ANNA, "approve", rollback)

    restarts = 0

    def restart() -> None:
        nonlocal restarts
        (any_redis.kill9 if killed else any_redis.stop)()
        any_redis.start()
        restarts += 1
        office.hall.points.at = office.hall.points.passed + 3

    office.hall.points.at, office.hall.points.happens = office.hall.points.passed + 1, restart
    await office.drive(rollback)

    assert restarts > 8
    assert office.hall.state(rollback).status is Status.SUCCEEDED
    assert office.hall.recreated == ["api v1.2.3"]
    intents = [x.step for x in office.hall.events(rollback) if isinstance(x, e.StepIntended)]
    assert len(intents) == len(set(intents))


async def test_a_full_server_refuses_the_new_and_pauses_the_running(
    office: Bureau, any_redis: RedisServer
) -> None:
    """Case 36: no effect without a written intent; with room again it goes on, once."""
    rollback = await office.planned()
    await office.press(ANNA, "approve", rollback)
    office.hall.client.config_set("maxmemory", "1")

    with pytest.raises(StoreFullError):
        await office.desk.accept(office.incoming(ANNA, "worker v1.2.3"))
    with pytest.raises(StoreFullError):
        await office.drive(rollback)
    assert office.hall.recreated == []
    office.hall.client.config_set("maxmemory", "0")

    assert (await office.drive(rollback)).status is Status.SUCCEEDED
    assert office.hall.recreated == ["api v1.2.3"]


async def test_a_running_bot_notices_an_emptied_redis(
    office: Bureau, any_redis: RedisServer
) -> None:
    """Case 37: it has read more than there is: nothing is accepted, and why is said."""
    await office.planned()
    any_redis.empty()
    said = office.incoming(ANNA, "api v1.2.2")

    with pytest.raises(StateLostError) as lost:
        await office.desk.accept(said)

    assert "env" in office.desk.refusal(lost.value, said).plain
    assert office.hall.client.dbsize() == 0


@pytest.mark.parametrize("others", [0, 40])
async def test_a_restarted_bot_notices_an_emptied_redis(
    office: Bureau, any_redis: RedisServer, others: int
) -> None:
    """Case 37: its host remembers how far it had come; no number is given out a second time."""
    await office.planned()
    before = office.hall.journal()
    any_redis.empty()
    for n in range(others):  # Something without our memory, such as an old observer, went on.
        before = office.hall.journal()
        before.append([("env", n, [e.Frozen(person=ANNA)])])

    office.bot()
    with pytest.raises((StateLostError, TamperedJournalError)):
        await office.desk.accept(office.incoming(ANNA, "api v1.2.2"))
    with pytest.raises((StateLostError, TamperedJournalError)):
        await office.desk.resume()

    assert office.numbers() == []
    assert office.hall.jobs() == 0


async def test_a_worker_applies_nothing_from_an_emptied_redis(
    office: Bureau, any_redis: RedisServer
) -> None:
    """Case 37: even when a bot on a new host gave the number out again, approved and all."""
    first = await office.planned()
    any_redis.empty()
    mark = HighWater(office.hall.state_dir, "production").path
    mark.unlink()
    office.bot()
    await office.say(ANNA, "api v1.2.3")
    assert office.numbers() == [1]

    with pytest.raises(StoreError):
        await office.drive(first)

    assert office.hall.recreated == []
    assert office.hall.state(first).status is Status.REQUESTED


@pytest.mark.parametrize("others", [0, 40])
async def test_a_bot_on_a_new_host_hears_it_from_the_workers(
    office: Bureau, any_redis: RedisServer, others: int
) -> None:
    """Redis emptied and the bot's own mark gone: the observer's record keeps RB-1 from coming back.

    Nothing is numbered and the asker reads why, whether the journal is shorter or another one.
    """
    await office.planned()
    any_redis.empty()
    HighWater(office.hall.state_dir, "production").path.unlink()
    for n in range(others):
        office.hall.journal().append([("env", n, [e.Frozen(person=ANNA)])])
    worker = replace(office.hall.access, state_dir=office.hall.state_dir / "worker")
    host = open_store(worker, mirrored=True)
    record = ObservedRecord(at=datetime.now(UTC), remembered=remembered(host))
    host.records.put(record, record.at)

    office.bot()
    answer = await office.say(ANNA, "api v1.2.3")

    assert "env" in answer
    assert [one.key for one in record.remembered.untrusted][:1] == [
        TamperedJournalError.key if others else StateLostError.key
    ]
    assert office.numbers() == []
    assert office.hall.jobs() == 0


async def test_a_mark_is_ahead_of_an_old_copy(office: Bureau, any_redis: RedisServer) -> None:
    """Put back from a copy that lacks the newest rollback: said, and nothing is numbered anew."""
    await office.planned()
    dump = {key: office.hall.client.dump(key) for key in office.hall.client.scan_iter()}
    await office.say(ANNA, "worker v1.2.3")
    assert office.numbers() == [1, 2]
    any_redis.empty()
    for key, content in dump.items():
        office.hall.client.restore(key, 0, content or b"")

    office.bot()
    with pytest.raises(StateLostError):
        await office.desk.accept(office.incoming(ANNA, "worker v1.2.3"))


async def test_an_absent_server_is_told_within_three_seconds(
    office: Bureau, any_redis: RedisServer
) -> None:
    """Case 38: not accepted, and the person hears so in time."""
    any_redis.stop()
    said, began = office.incoming(ANNA, "api v1.2.3"), time.monotonic()

    with pytest.raises(StoreUnavailableError) as away:
        await office.desk.accept(said)

    assert time.monotonic() - began < 9.0, "3 s, where the machine is its own"
    assert office.desk.refusal(away.value, said).plain
    any_redis.start()
    assert office.numbers() == []


async def test_what_was_accepted_just_before_is_answered_when_it_is_back(
    office: Bureau, any_redis: RedisServer
) -> None:
    """Accepted, then Redis goes: the same bot carries it out when Redis is there, once."""
    said = office.incoming(ANNA, "api v1.2.3")
    service = office.desk.services["production"]
    await service.book.append_environment(lambda _: (e.Received(incoming=said),))
    await office.desk.resume()
    any_redis.stop()  # The answer has not begun: nothing was awaited since.
    async with office.chat.changed, asyncio.timeout(60):
        await office.chat.changed.wait_for(lambda: bool(office.chat.whispers))

    any_redis.start()
    async with asyncio.timeout(60):
        await office.desk.drain()

    assert office.numbers() == [1]
    assert office.hall.state("RB-1").joined == ()
