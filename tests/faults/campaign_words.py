"""Fuzzed command lines under an audit hook: whatever is typed, no process is started."""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from bot.desk import Desk
from bot.main import SystemClock
from commands.domain.conversation import Incoming
from commands.domain.errors import GrammarError
from commands.domain.people import Identity
from commands.domain.runbook import Channel, Runbook
from commands.grammar import parse
from commands.handlers import Service
from commands.runbook import parse_runbook, shipped_runbook
from commands.store.opening import Access, open_async_store
from tests.engines.redis_server import RedisServer, embedded_program
from tests.faults.campaign_tally import Tally
from tests.unit.grammar.test_fuzz import PIECES, PROCESSES

ENVIRONMENT = "production"
CARRIED_OUT = 10
"""Every so many lines one goes the whole way: desk, handlers, journal on a real server, answer."""

_started: list[str] = []
_armed: list[bool] = []


def _hook(event: str, _: object) -> None:
    if _armed and event.startswith(PROCESSES):
        _started.append(event)


def fuzzed(seed: int, count: int) -> Tally:
    """Lines of verbs, flags, quotes, injections and broken Unicode in any order."""
    tally, runbook = Tally("fuzzed command lines", points=count), parse_runbook(shipped_runbook())
    lines = list(_lines(seed, count))
    sys.addaudithook(_hook)
    with tempfile.TemporaryDirectory(prefix="rollbot-faults-") as directory:
        redis = RedisServer(embedded_program(), Path(directory))
        redis.start()
        access = Access(
            environment=ENVIRONMENT, redis_url=redis.url, key=b"k" * 32, state_dir=Path(directory)
        )
        try:
            _armed.append(True)
            read = Counter(_read(line, runbook, tally) for line in lines)
            answered = asyncio.run(_carried_out(lines[::CARRIED_OUT], access, runbook, tally))
        finally:
            _armed.clear()
            redis.kill9()
    tally.by_victim = {**read, "carried out": answered, "processes": len(tally.overlaps)}
    return tally


def _lines(seed: int, count: int) -> Iterator[str]:
    draw = random.Random(f"{seed}-words")
    for _ in range(count):
        pieces = draw.choices(PIECES, k=draw.randint(1, 7))
        yield draw.choice((" ", "", "  ", "=")).join(pieces)


def _read(line: str, runbook: Runbook, tally: Tally) -> str:
    try:
        parse(line, runbook, ENVIRONMENT)
    except GrammarError:
        return "refused"
    finally:
        _blame(line, tally)
    return "understood"


async def _carried_out(lines: list[str], access: Access, runbook: Runbook, tally: Tally) -> int:
    """Whoever may do the most types it; how many lines were handled to their end."""
    store = open_async_store(access)
    service = Service(store=store, clock=SystemClock())
    desk = Desk(runbook=runbook, services={ENVIRONMENT: service}, clock=SystemClock())
    person = Identity(platform="console", user=runbook.people["anna"].login)
    for number, line in enumerate(lines):
        incoming = Incoming(
            delivery_id=f"line-{number}",
            kind="words",
            words=line,
            identity=person,
            home=Channel(platform="console", channel=ENVIRONMENT),
            received_at=datetime.now(UTC),
        )
        await desk.accept(incoming)
        await desk.drain()
        _blame(line, tally)
    state = await service.book.environment()
    handled = len(state.seen) - len(state.pending)
    tally.lost += [f"{len(lines) - handled} lines have no answer"] * (handled != len(lines))
    await store.client.aclose()
    return handled


def _blame(line: str, tally: Tally) -> None:
    tally.overlaps += [f"{line!r} started {what}" for what in _started]
    _started.clear()
