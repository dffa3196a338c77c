"""How soon a slash command is acknowledged while four environments roll back at once."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from commands.domain.command import Actor, Approve, Ask, Command
from commands.domain.people import Identity, Scenario
from commands.domain.request import Request
from commands.domain.runbook import Channel
from commands.domain.state import RollbackState, Status
from commands.runbook import parse_runbook
from commands.settings import journal_variable
from commands.store.opening import Access, AsyncStore, open_async_store
from rollbot.demo.children import Children
from rollbot.demo.toml import dumps
from rollbot.demo.world import World
from tests.faults.campaign_tally import Tally, percentile
from tests.integration.slack_people import ANNA, on_slack
from tests.servers.slack import TEAM, Slack

ENVIRONMENTS = ("north", "east", "south", "west")
ACK_P99_S = 1.0
# Slack itself waits for 3 s; in CI other tests run beside.
ACK_P99_SHORT_S = 3.0
LONG = 200
TYPED_A_SECOND = 20
_KEY = "k" * 64
_ROLLBOT = (sys.executable, "-m", "rollbot")
_PATIENCE_S = 180.0


@dataclass(frozen=True, slots=True)
class Four:
    """Four hosts on one Redis, each with its engine and worker, and one bot for all."""

    worlds: dict[str, World]
    runbook: Path
    redis_url: str

    def environment(self, name: str = "") -> dict[str, str]:
        """What a process of one host, or the bot, is given."""
        base = dict(next(iter(self.worlds.values())).environment())
        keys = {journal_variable(n): _KEY for n in ([name] if name else ENVIRONMENTS)}
        base = {k: v for k, v in base.items() if not k.startswith("ROLLBOT_JOURNAL_KEY")}
        base |= {"ROLLBOT_RUNBOOK": str(self.runbook), "REDIS_URL": self.redis_url, **keys}
        if name:
            base |= {"ROLLBOT_ENV": name, "ROLLBOT_STATE_DIR": str(self.worlds[name].places.state)}
        else:
            base.pop("ROLLBOT_ENV", None)
        return base

    def store(self, name: str) -> AsyncStore:
        """One environment's memory."""
        return open_async_store(
            Access(
                environment=name,
                redis_url=self.redis_url,
                key=_KEY.encode(),
                state_dir=self.runbook.parent / "campaign",
            )
        )


def acks(count: int) -> Tally:
    """Type for as long as four rollbacks run, again until `count` commands were acknowledged."""
    with _four() as four:
        return asyncio.run(_typed(four, count))


async def _typed(four: Four, count: int) -> Tally:
    tally, slowest = Tally("slash command → ack"), 0.0
    waits: list[float] = []
    async with Slack.running() as slack:
        chats = on_slack(slack)
        for name in ENVIRONMENTS:
            slack.channel(_channel(name), ANNA)
        with _processes(four, chats):
            await slack.wait_for(lambda: slack.socket.connected, timeout_s=_PATIENCE_S)
            versions = ["v1.2.3", "v1.2.2"]
            while len(waits) < count:
                together = [_roll_back(four, name, versions[0]) for name in ENVIRONMENTS]
                running = asyncio.ensure_future(asyncio.gather(*together))
                waits += await _type_while(slack, running)
                for state in await running:
                    tally.by_victim[state.status.value] = (
                        tally.by_victim.get(state.status.value, 0) + 1
                    )
                    if state.status is not Status.SUCCEEDED:
                        tally.lost.append(f"{state.id} to {versions[0]}: {state.reason}")
                versions.reverse()
    tally.points = len(waits)
    slowest = percentile(waits, 0.99)
    tally.name += f" p99 {slowest * 1000:.0f} ms while four roll back"
    if slowest >= (ACK_P99_S if count >= LONG else ACK_P99_SHORT_S):
        tally.lost.append(f"p99 is {slowest:.2f} s")
    return tally


async def _type_while(slack: Slack, running: asyncio.Future[Any]) -> list[float]:
    async with asyncio.TaskGroup() as tasks:
        typed, turn = [], 0
        while not running.done():
            channel = _channel(ENVIRONMENTS[turn % len(ENVIRONMENTS)])
            typed.append(tasks.create_task(slack.slash(ANNA, channel, "/rollback status")))
            turn += 1
            await asyncio.sleep(1 / TYPED_A_SECOND)
    return [found if (found := task.result().ack_after_s) is not None else 5.0 for task in typed]


async def _roll_back(four: Four, name: str, version: str) -> RollbackState:
    store = four.store(name)
    anna = Actor("anna", Identity(platform="console", user="anna"))
    home = Channel(platform="slack", workspace=TEAM, channel=_channel(name))
    words = Request(
        environment=name, scenario=Scenario.SERVICE, services=(f"api-{name}",), version=version
    )
    rollback = await _order(four, store, Ask(anna, words, home))
    await _until(store, rollback, Status.PLANNED)
    await _order(four, store, Approve(anna), rollback)
    state = await _until(store, rollback, Status.SUCCEEDED, Status.FAILED, Status.IN_DOUBT)
    await store.client.aclose()
    return state


async def _order(four: Four, store: AsyncStore, command: Command, rollback: str = "") -> str:
    runbook = parse_runbook(four.runbook.read_bytes())
    decision = await store.book.carry(command, rollback, runbook, datetime.now(UTC))
    state = await store.book.rollback(decision.rollback_id)
    if decision.work and state is not None:
        await store.queue.enqueue(state.id, state.position)
    return decision.rollback_id


async def _until(store: AsyncStore, rollback: str, *statuses: Status) -> RollbackState:
    until = time.monotonic() + _PATIENCE_S
    while True:
        state = await store.book.rollback(rollback)
        over = time.monotonic() > until
        if state is not None and (state.status in statuses or over):
            return state
        await asyncio.sleep(0.05)


@contextmanager
def _four() -> Iterator[Four]:
    with ExitStack() as ending:
        root = Path(ending.enter_context(tempfile.TemporaryDirectory(prefix="rollbot-faults-")))
        worlds = {}
        for name in ENVIRONMENTS:
            (root / name).mkdir()
            worlds[name] = World.started(root / name)
            ending.callback(worlds[name].close)
            worlds[name].deploy("v1.3.0")
        runbook = root / "runbook.toml"
        runbook.write_text(dumps(_joined(worlds)))
        yield Four(worlds, runbook, worlds[ENVIRONMENTS[0]].places.redis_url)


def _joined(worlds: dict[str, World]) -> dict[str, Any]:
    """One runbook over the four: each environment has an api of its own."""
    joined: dict[str, Any] = {}
    for name, world in worlds.items():
        one = tomllib.loads(world.places.runbook.read_text())
        joined = joined or {**one, "services": {}, "environments": {}}
        api = f"api-{name}"
        joined["services"][api] = one["services"]["api"]
        environment = {**one["environments"]["production"], "services": [api], "repository": ""}
        environment["title"] = name.upper()
        environment["channels"] = [
            {"platform": "slack", "workspace": TEAM, "channel": _channel(name)}
        ]
        joined["environments"][name] = environment
    joined["people"]["anna"]["slack"] = [f"{TEAM}:{ANNA}"]
    joined["timing"]["stable_s"] = 0.5
    return joined


def _channel(name: str) -> str:
    return f"C0{name.upper()}"


@contextmanager
def _processes(four: Four, chats: dict[str, str]) -> Iterator[None]:
    logs = four.runbook.parent / "logs"
    logs.mkdir()
    children = Children(logs, four.runbook.parent)
    try:
        children.start("bot", (*_ROLLBOT, "bot"), {**four.environment(), **chats}, is_ours=True)
        for name in ENVIRONMENTS:
            children.start(
                f"worker-{name}", (*_ROLLBOT, "worker"), four.environment(name), is_ours=True
            )
        yield
    finally:
        children.end()
