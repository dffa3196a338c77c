"""The journal under races, crashes and want of memory, on real servers."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
import redis

from commands.domain.errors import (
    JournalConflictError,
    StoreFullError,
    StoreUnavailableError,
    TamperedJournalError,
)
from commands.store.async_journal import AsyncJournal
from commands.store.codec import Codec
from commands.store.connection import connect, connect_async
from commands.store.durability import durability
from commands.store.journal import Journal
from commands.store.queue import AsyncDriveQueue, DriveQueue
from commands.store.records import AsyncRecords, RecordCodec, Records
from tests.engines.lossy_relay import LossyRelay
from tests.engines.redis_server import RedisServer
from tests.engines.waiting import eventually
from tests.fakes.events import ADAPTER, KEY, AnyEvent, Noted

AT = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
STREAM = "rollbot:production:env"


def codec() -> Codec[AnyEvent]:
    return Codec("production", ADAPTER, KEY)


@pytest.fixture
def client(any_redis: RedisServer) -> Iterator[redis.Redis]:
    with connect(any_redis.url) as found:
        yield found


@pytest.fixture
def journal(client: redis.Redis) -> Journal[AnyEvent]:
    return Journal(client, codec())


def append_at_the_end(journal: Journal[AnyEvent], event: AnyEvent) -> None:
    """What every shell does: decide on what was read, and again after a conflict."""
    while True:
        length = len(journal.read("env"))
        try:
            journal.append([("env", length, [event]), ("RB-1", length, [event])])
        except JournalConflictError:
            continue
        return


def test_twenty_writers_lose_nothing(client: redis.Redis) -> None:
    """Twenty threads with readers of their own append 200 events to two journals, each once."""
    events = [Noted(note=str(n)) for n in range(200)]
    journals = [Journal(client, codec()) for _ in range(20)]

    with ThreadPoolExecutor(20) as threads:
        list(
            threads.map(
                lambda n: append_at_the_end(journals[n % 20], events[n]), range(len(events))
            )
        )

    reader = Journal(client, codec())
    kept = [e.event.note for e in reader.read("env") if isinstance(e.event, Noted)]
    assert sorted(kept, key=int) == [str(n) for n in range(200)]
    assert [e.event for e in reader.read("RB-1")] == [e.event for e in reader.read("env")]


def test_threads_may_share_a_journal(journal: Journal[AnyEvent]) -> None:
    """One reader's memory survives ten threads that append through it."""
    with ThreadPoolExecutor(10) as threads:
        list(threads.map(lambda n: append_at_the_end(journal, Noted(note=str(n))), range(100)))

    assert len(journal.read("env")) == 100


def test_acknowledged_entries_survive_kill_9(
    any_redis: RedisServer, journal: Journal[AnyEvent]
) -> None:
    """The server is killed while a writer appends: what append returned for is there."""
    acknowledged: list[int] = []
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            try:
                length = len(journal.read("env"))
                acknowledged.append(journal.append([("env", length, [Noted(note="x")])])["env"])
            except StoreUnavailableError:
                continue

    def are_written(count: int) -> bool:
        return len(acknowledged) >= count

    writer = threading.Thread(target=write)
    writer.start()
    for _ in range(3):
        eventually(partial(are_written, len(acknowledged) + 50), every_s=0.001)
        any_redis.kill9()
        any_redis.start()
    stop.set()
    writer.join(60)

    with connect(any_redis.url) as client:
        kept = Journal(client, codec()).read("env")
    assert len(acknowledged) >= 150
    assert len(kept) >= acknowledged[-1]
    assert len(set(acknowledged)) == len(acknowledged)


def test_a_lost_reply_is_not_a_second_entry(any_redis: RedisServer) -> None:
    """The connection breaks after the server took the entries: they are there once, and known."""
    with LossyRelay(any_redis.port) as relay, connect(f"redis://127.0.0.1:{relay.port}") as client:
        journal = Journal(client, codec())
        journal.append([("env", 0, [Noted(note="before")])], AT)

        relay.lose_next_reply_to(b"EVALSHA")

        assert journal.append([("env", 1, [Noted(note="once")])], AT) == {"env": 2}
        assert relay.lost == 1
        assert len(journal.read("env")) == 2


@pytest.mark.parametrize("how", ["down", "frozen"])
def test_an_absent_server_is_told_within_three_seconds(
    how: str, any_redis: RedisServer, journal: Journal[AnyEvent]
) -> None:
    """Refusing connections or not answering: the caller hears of it in time, blocking or not."""
    journal.append([("env", 0, [Noted(note="x")])], AT)
    pid = any_redis.pid
    if how == "down":
        any_redis.stop()
    else:
        os.kill(pid, signal.SIGSTOP)

    async def later() -> None:
        client = connect_async(any_redis.url)
        try:
            await AsyncJournal(client, codec()).append([("env", 0, [Noted(note="y")])], AT)
        finally:
            await client.aclose()

    try:
        for attempt in (
            lambda: journal.append([("env", 1, [Noted(note="y")])], AT),
            lambda: asyncio.run(later()),
        ):
            began = time.monotonic()
            with pytest.raises(StoreUnavailableError):
                attempt()
            assert time.monotonic() - began < 9, "3 s, where the machine is its own"
    finally:
        if how == "frozen":
            os.kill(pid, signal.SIGCONT)


def test_a_worker_may_wait_for_a_restart(any_redis: RedisServer) -> None:
    """With more patience an append outlasts a restart and is written once."""
    with connect(any_redis.url) as client:
        patient = Journal(client, codec(), retry_for_s=30)
        patient.append([("env", 0, [Noted(note="x")])], AT)
        any_redis.kill9()
        with ThreadPoolExecutor(1) as thread:
            appended = thread.submit(patient.append, [("env", 1, [Noted(note="y")])], AT)
            any_redis.start()
            assert appended.result(60) == {"env": 2}


def test_a_full_server_refuses_and_keeps(client: redis.Redis, journal: Journal[AnyEvent]) -> None:
    """Out of memory: a batch is refused whole, and works once there is room."""
    journal.append([("env", 0, [Noted(note="x")])], AT)
    batch = [("env", 1, [Noted(note="y")]), ("RB-1", 0, [Noted(note="z")])]
    client.config_set("maxmemory", 1)

    with pytest.raises(StoreFullError):
        journal.append(batch, AT)

    client.config_set("maxmemory", 0)
    assert journal.read("RB-1") == []
    assert journal.append(batch, AT) == {"env": 2, "RB-1": 1}


@pytest.mark.parametrize("removed", [1, 2, 3])
def test_a_removed_entry_is_noticed(
    removed: int, client: redis.Redis, journal: Journal[AnyEvent]
) -> None:
    """First, middle or last: neither a reader nor a writer goes on over a gap."""
    journal.append([("env", 0, [Noted(note=n) for n in "abc"])], AT)
    client.xdel(STREAM, f"{removed}-0")

    with pytest.raises(TamperedJournalError):
        Journal(client, codec()).read("env")
    with pytest.raises(TamperedJournalError):
        journal.append([("env", 3, [Noted(note="d")])], AT)


def test_a_forged_entry_is_named(client: redis.Redis, journal: Journal[AnyEvent]) -> None:
    """An entry added without the key is refused by its number, by whoever follows too."""
    journal.append([("env", 0, [Noted(note="a")])], AT)
    client.xadd(STREAM, {"e": b"{}", "s": "0" * 64, "h": "0" * 64}, id="2-0")

    for attempt in (lambda: journal.read("env"), lambda: journal.follow({"env": 1}, 0.1)):
        with pytest.raises(TamperedJournalError) as caught:
            attempt()
        assert caught.value.position == 2


async def test_following_wakes_up_at_once(any_redis: RedisServer) -> None:
    """An entry appended by another process reaches a waiting follower, however long it waits."""
    client = connect_async(any_redis.url)
    follower, writer = AsyncJournal(client, codec()), AsyncJournal(client, codec())
    waiting = asyncio.create_task(follower.follow({"env": 0, "RB-1": 0}, 60))
    await asyncio.sleep(0)

    began = time.monotonic()
    await writer.append([("RB-1", 0, [Noted(note="x")])], AT)
    found = await waiting

    assert [e.event for e in found["RB-1"]] == [Noted(note="x")]
    assert time.monotonic() - began < 10, "a few milliseconds, where the machine is its own"
    await client.aclose()


async def test_a_hundred_callers_at_once_are_served(any_redis: RedisServer) -> None:
    """More callers than connections wait for one instead of failing."""
    client = connect_async(any_redis.url, max_connections=4)
    journal = AsyncJournal(client, codec())
    await journal.append([("env", 0, [Noted(note="x")])], AT)

    read = await asyncio.gather(*(journal.read("env") for _ in range(100)))

    assert all(len(entries) == 1 for entries in read)
    await client.aclose()


def test_durability_is_told(client: redis.Redis) -> None:
    """What `rollbot check` judges by comes from the running server."""
    found = durability(client)

    assert (found.append_only, found.fsync, found.eviction) == (True, "always", "noeviction")
    client.config_set("maxmemory-policy", "allkeys-lru")
    client.config_set("appendonly", "no")
    worse = durability(client)
    assert (worse.append_only, worse.eviction) == (False, "allkeys-lru")


async def test_the_record_is_the_latest_with_its_age(
    any_redis: RedisServer, client: redis.Redis
) -> None:
    """The bot reads what the observer put last, how old it is, and not what others wrote."""
    shape = RecordCodec(ADAPTER, codec())
    observer, reader = Records(client, shape), connect_async(any_redis.url)
    bot = AsyncRecords(reader, shape)
    assert await bot.get(AT) is None

    observer.put(Noted(note="old"), AT)
    observer.put(Noted(note="new"), AT)

    for found in (
        await bot.get(AT + timedelta(seconds=9)),
        observer.get(AT + timedelta(seconds=9)),
    ):
        assert found is not None
        assert (found.record, found.age) == (Noted(note="new"), timedelta(seconds=9))
    client.hset(shape.key, "e", b'{"forged":1}')
    with pytest.raises(TamperedJournalError):
        await bot.get(AT)
    await reader.aclose()


async def test_enqueueing_does_not_hold_up_the_loop(
    any_redis: RedisServer, client: redis.Redis
) -> None:
    """Fifty at once: the loop turns while Redis stands still, and then each is queued once."""
    queue = AsyncDriveQueue(DriveQueue(client, "production"))
    assert client.ping()
    os.kill(any_redis.pid, signal.SIGSTOP)
    try:
        asked = [asyncio.ensure_future(queue.enqueue(f"RB-{n % 25 + 1}", 1)) for n in range(50)]
        for _ in range(20):
            await asyncio.sleep(0.001)
        waiting = not any(one.done() for one in asked)
    finally:
        os.kill(any_redis.pid, signal.SIGCONT)
    queued = await asyncio.gather(*asked)

    assert waiting
    assert sorted(queued) == [False] * 25 + [True] * 25
    assert client.llen("rq:queue:rollbot-production") == 25
