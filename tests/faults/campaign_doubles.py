"""The same delivery again and again, at once and at two bots: one run each."""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from bot.desk import Desk
from bot.main import SystemClock
from commands.domain import events as e
from commands.domain.conversation import Incoming
from commands.domain.people import Identity
from commands.domain.runbook import Channel
from commands.handlers import Service
from commands.runbook import parse_runbook, shipped_runbook
from commands.store.keys import ENVIRONMENT_JOURNAL, queue_name
from commands.store.opening import Access, open_async_store, open_store
from tests.engines.redis_server import RedisServer, embedded_program
from tests.faults.campaign_tally import Tally

ENVIRONMENT = "production"
TIMES = 3
"""Slack repeats what was not acknowledged up to three times."""

AT_ONCE = 20


def deliveries(seed: int, count: int) -> Tally:
    """`count` commands, each delivered three times to two bots in any order."""
    with tempfile.TemporaryDirectory(prefix="rollbot-faults-") as directory:
        redis = RedisServer(embedded_program(), Path(directory))
        redis.start()
        access = Access(
            environment=ENVIRONMENT, redis_url=redis.url, key=b"k" * 32, state_dir=Path(directory)
        )
        try:
            asyncio.run(_delivered(seed, count, access))
            return _counted(count, access)
        finally:
            redis.kill9()


async def _delivered(seed: int, count: int, access: Access) -> None:
    runbook = parse_runbook(shipped_runbook())
    stores = [open_async_store(access) for _ in range(2)]
    desks = [
        Desk(
            runbook=runbook,
            services={ENVIRONMENT: Service(store=store, clock=SystemClock())},
            clock=SystemClock(),
        )
        for store in stores
    ]
    draw = random.Random(f"{seed}-deliveries")
    person = Identity(platform="console", user=runbook.people["anna"].login)
    for first in range(0, count, AT_ONCE):
        numbers = [n for n in range(first, min(first + AT_ONCE, count)) for _ in range(TIMES)]
        draw.shuffle(numbers)
        said = [(draw.choice(desks), _incoming(number, person)) for number in numbers]
        await asyncio.gather(*(desk.accept(incoming) for desk, incoming in said))
        await asyncio.gather(*(desk.drain() for desk in desks))
    for store in stores:
        await store.client.aclose()


def _incoming(number: int, person: Identity) -> Incoming:
    return Incoming(
        delivery_id=f"delivery-{number}",
        kind="words",
        words=f'api v1.{number}.0 --reason "{number}"',
        identity=person,
        home=Channel(platform="console", channel=ENVIRONMENT),
        received_at=datetime.now(UTC),
    )


def _counted(count: int, access: Access) -> Tally:
    tally = Tally("duplicate deliveries", points=count * TIMES)
    store = open_store(access)
    told = [entry.event for entry in store.book.entries(ENVIRONMENT_JOURNAL)]
    handled = Counter(v.delivery_id for v in told if isinstance(v, e.Handled))
    opened = [v.rollback_id for v in told if isinstance(v, e.RollbackOpened)]
    asked = Counter(_asked_for(store.book.entries(name)[0].event) for name in opened)
    for number in range(count):
        name, runs = f"delivery-{number}", asked[str(number)]
        if runs > 1 or handled[name] > 1:
            tally.doubled.append(f"{name}: {runs} runs, handled {handled[name]} times")
        if runs < 1 or handled[name] < 1:
            tally.lost.append(f"{name}: {runs} runs, handled {handled[name]} times")
    jobs: int = store.client.llen(f"rq:queue:{queue_name(ENVIRONMENT)}")
    if jobs != count:
        wrong = tally.doubled if jobs > count else tally.lost
        wrong.append(f"{jobs} jobs wait for {count} commands")
    tally.by_victim = {"commands": count, "runs": len(opened), "jobs": jobs}
    store.client.close()
    return tally


def _asked_for(event: e.AnyEvent) -> str:
    return event.request.reason if isinstance(event, e.Requested) else ""
