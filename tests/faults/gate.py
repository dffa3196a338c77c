"""A host whose smoke test waits at a gate: the middle of a rollback for as long as one likes."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from commands.domain import events as e
from commands.domain.command import Approve
from tests.engines.redis_server import RedisServer
from tests.engines.waiting import eventually
from tests.faults.campaign_processes import descendants
from tests.faults.worker_world import WorkerWorld, worker_world
from tests.integration.incident import phrase
from tests.integration.slack_people import CHANNEL
from tests.servers.slack import Slack

# 15 s, where the machine is its own.
TOLD_WITHIN_S = 75.0
# A check with a child of its own, which inherits the lease and ends when the gate opens.
GATED = (
    "import pathlib, subprocess, sys\n"
    "gate = pathlib.Path(sys.argv[1])\n"
    "waits = 'import pathlib, sys, time\\n' \\\n"
    "    'while not pathlib.Path(sys.argv[1], \"open\").exists(): time.sleep(0.02)'\n"
    "child = subprocess.Popen([sys.executable, '-c', waits, str(gate)], close_fds=False)\n"
    "(gate / 'part').write_text(str(child.pid))\n"
    "(gate / 'part').rename(gate / 'began')\n"
    "child.wait()\n"
)
Make = Callable[..., WorkerWorld]


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """Where the customer's check says that it began, and waits until it is let through."""
    folder = tmp_path / "gate"
    folder.mkdir()
    return folder


@pytest.fixture
def host(tmp_path: Path, embedded_redis: RedisServer, gate: Path) -> Iterator[Make]:
    """Return a maker of one host whose smoke test (or `program` of it) waits at the gate."""
    made: list[WorkerWorld] = []

    def make(program: str = GATED, **settings: object) -> WorkerWorld:
        check = (sys.executable, "-c", program, str(gate))
        made.append(worker_world(tmp_path, embedded_redis, check=check, **settings))  # type: ignore[arg-type]
        return made[0]

    yield make
    for one in made:
        for name in tuple(one.running):
            one.running[name].send_signal(signal.SIGCONT)
        one.stop()
        assert one.world is not None
        one.world.close()


def at_the_gate(made: WorkerWorld, gate: Path, version: str = "v1.2.3") -> str:
    """A rollback under way whose check waits: api was switched already."""
    made.await_worker()
    rollback = made.ask_api(version)
    made.order(Approve(made.actor("anna")), rollback)
    eventually((gate / "began").exists, within_s=120, what=made.logs)
    return rollback


def done_once(made: WorkerWorld, rollback: str) -> bool:
    """Every step of the plan has one outcome, and no second switch was begun."""
    state = made.state(rollback)
    assert state is not None
    assert state.plan is not None
    done = [v.step for v in made.events(rollback) if isinstance(v, e.StepDone)]
    return len(done) == len(set(done)) and len(done) >= len(state.plan.steps) - 1


def begun(made: WorkerWorld, rollback: str) -> list[e.AnyEvent]:
    """Everything that a worker began or ended of a rollback."""
    return [v for v in made.events(rollback) if isinstance(v, e.StepIntended | e.StepDone)]


def told(slack: Slack, rollback: str, key: str, *also: str) -> bool:
    """Whether the incident channel reads this of the rollback."""
    words = (rollback, phrase(key), *also)
    return any(all(w in m.all_text for w in words) for m in slack.messages(CHANNEL))


def frozen(made: WorkerWorld) -> list[int]:
    """The worker and everything below it stand still, as on a host that swaps."""
    worker = made.running["worker"].pid
    pids = [worker, *descendants(worker)]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    return pids
