"""Approval to healthy: rollbot's whole chain against the bare runbook commands, by turns.

The runbook: `docker-compose pull api && docker-compose up -d --no-deps api`, health polled every
20 ms. rollbot: the click through the desk, the journal, RQ and the steps, seen from outside by
the same poll. The image is here in both cases.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bot.desk import Desk
from bot.main import SystemClock
from commands.domain.conversation import Incoming
from commands.domain.due import work_due
from commands.domain.people import Identity
from commands.domain.runbook import Channel
from commands.handlers import Service
from commands.runbook import parse_runbook
from commands.store.opening import open_async_store
from tests.bench.places import Line, project, redis_server
from tests.stack.compose import Compose
from tests.stack.installation import Installation
from tests.stack.project import Samokoder
from tests.stack.runbook_file import ENVIRONMENT, runbook_for

POLL_S = 0.02
LIMIT_S = 60.0


def measure(compose: Compose, runs: int) -> Iterator[Line]:
    """`runs` of each, by turns, after one of each that is not counted."""
    with (
        project(compose) as samokoder,
        redis_server() as redis,
        tempfile.TemporaryDirectory(prefix="rollbot-bench-") as directory,
    ):
        runbook = runbook_for(samokoder, stable_s=0.2)
        made = Installation(samokoder, redis, Path(directory), runbook)
        made.start("bot", "worker")
        made.await_worker()
        try:
            ours, theirs = _turns(made, samokoder, runs)
        finally:
            made.stop()
    generation = compose.generation
    yield Line(f"Compose {generation}: runbook, pull + up → healthy", tuple(theirs[1:]))
    ratio = sorted(a / b for a, b in zip(ours[1:], theirs[1:], strict=True))[runs // 2]
    note = f"ratio to the runbook {ratio:.2f}"
    yield Line(f"Compose {generation}: rollbot, approval → healthy", tuple(ours[1:]), note)


def _turns(made: Installation, samokoder: Samokoder, runs: int) -> tuple[list[float], list[float]]:
    ours, theirs = [], []
    with asyncio.Runner() as runner:
        clicks = runner.run(_desk(made))
        for _ in range(runs + 1):
            theirs.append(_by_the_runbook(samokoder, "v1.2.2"))
            ours.append(_by_rollbot(made, samokoder, runner, clicks, "v1.2.3"))
    return ours, theirs


def _by_the_runbook(samokoder: Samokoder, version: str) -> float:
    samokoder.pin("APP_VERSION", version)
    began = time.monotonic()
    samokoder.compose.run(samokoder.directory, "pull", "api")
    samokoder.compose.run(samokoder.directory, "up", "-d", "--no-deps", "api")
    return _until_healthy(samokoder, version, began)


async def _desk(made: Installation) -> Desk:
    runbook = parse_runbook(made.runbook.encode())
    store = open_async_store(made.access("bench"))
    services = {ENVIRONMENT: Service(store=store, clock=SystemClock())}
    return Desk(runbook=runbook, services=services, clock=SystemClock())


def _by_rollbot(
    made: Installation,
    samokoder: Samokoder,
    runner: asyncio.Runner,
    desk: Desk,
    version: str,
) -> float:
    runner.run(_say(desk, f"api {version}"))
    rollback = max(made.store().book.environment().opened, key=lambda name: int(name[3:]))
    made.await_status("planned", of=rollback)
    _until_prepared(made, rollback)
    began = time.monotonic()
    runner.run(_say(desk, f"approve {rollback}"))
    _until_switched(made, rollback)
    took = _until_healthy(samokoder, version, began)
    made.await_status("succeeded", of=rollback)
    return took


async def _say(desk: Desk, words: str) -> None:
    incoming = Incoming(
        delivery_id=f"bench-{time.monotonic_ns()}",
        kind="words",
        words=words,
        identity=Identity(platform="console", user=desk.runbook.people["anna"].login),
        home=Channel(platform="console", channel=ENVIRONMENT),
        received_at=SystemClock().now(),
    )
    await desk.accept(incoming)
    await desk.drain()


def _until_prepared(made: Installation, rollback: str) -> None:
    until = time.monotonic() + LIMIT_S
    while time.monotonic() < until:
        state = made.state(rollback)
        if state is not None and not work_due(state):
            return
        time.sleep(POLL_S)
    raise TimeoutError(f"{rollback} was not prepared")


def _until_switched(made: Installation, rollback: str) -> None:
    """Nothing asks the new container before it was started, as after the runbook's `up`.

    Whoever touches a published port while its container starts waits for most of a second.
    """
    book = made.store().book
    until = time.monotonic() + LIMIT_S
    while time.monotonic() < until:
        state = book.rollback(rollback)
        if state is not None and state.switched_at is not None:
            return
        time.sleep(POLL_S / 4)
    raise TimeoutError(f"{rollback} was not switched")


def _until_healthy(samokoder: Samokoder, version: str, began: float) -> float:
    while time.monotonic() - began < LIMIT_S:
        if samokoder.get("api")[0] == 200 and samokoder.version("api") == version:
            return (time.monotonic() - began) * 1000
        time.sleep(POLL_S)
    raise TimeoutError(f"api never answered as {version}")
