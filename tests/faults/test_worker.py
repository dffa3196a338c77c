"""Fault cases 25 to 33 with real processes: killed, frozen, asked to end, out of time."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from commands.domain import events as e
from commands.domain.command import Approve
from tests.engines.redis_server import RedisServer
from tests.engines.waiting import eventually
from tests.faults.campaign_processes import descendants, job_of
from tests.faults.worker_world import WorkerWorld, worker_world
from tests.integration.incident import phrase
from tests.integration.slack_people import CHANNEL, on_slack
from tests.integration.worker_host import is_running
from tests.servers.slack import Slack
from tests.servers.slack_fixture import slack
from tests.stack.installation import of_kind

__all__ = ["slack"]

pytestmark = pytest.mark.timeout(150)

TOLD_WITHIN_S = 15.0
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
    """Return a maker of one host whose smoke test waits at the gate."""
    made: list[WorkerWorld] = []

    def make(**settings: object) -> WorkerWorld:
        check = (sys.executable, "-c", GATED, str(gate))
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
    eventually((gate / "began").exists, within_s=60, what=made.logs)
    return rollback


def done_once(made: WorkerWorld, rollback: str) -> bool:
    """Every step of the plan has one outcome, and no second switch was begun."""
    state = made.state(rollback)
    assert state is not None
    assert state.plan is not None
    done = [v.step for v in made.events(rollback) if isinstance(v, e.StepDone)]
    return len(done) == len(set(done)) and len(done) >= len(state.plan.steps) - 1


def told(slack: Slack, rollback: str, key: str) -> bool:
    """Whether the incident channel reads this of the rollback."""
    said = (m.all_text for m in slack.messages(CHANNEL))
    return any(rollback in text and phrase(key) in text for text in said)


def frozen(made: WorkerWorld) -> list[int]:
    """The worker and everything below it stand still, as on a host that swaps."""
    worker = made.running["worker"].pid
    pids = [worker, *descendants(worker)]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    return pids


def test_a_frozen_worker_is_told_of_and_rereads_on_waking(
    slack: Slack, host: Make, gate: Path
) -> None:
    """Case 28: told in 15 s; a second worker does nothing; awake it re-reads, then goes on."""
    made = host(chats=on_slack(slack))
    made.start("bot", "worker")
    rollback = at_the_gate(made, gate)
    pids, frozen_at = frozen(made), time.monotonic()
    eventually(
        lambda: told(slack, rollback, "status.worker_lost"), within_s=TOLD_WITHIN_S, what=made.logs
    )
    assert time.monotonic() - frozen_at < TOLD_WITHIN_S
    first = made.running.pop("worker")
    made.start("worker")
    second, made.running["first"] = made.running["worker"].pid, first
    eventually(lambda: job_of(second), within_s=30, what=made.logs)
    began = [v for v in made.events(rollback) if isinstance(v, e.StepIntended | e.StepDone)]
    (gate / "open").touch()
    until = time.monotonic() + 5
    while time.monotonic() < until:
        now = [v for v in made.events(rollback) if isinstance(v, e.StepIntended | e.StepDone)]
        assert now == began, "somebody acted while the holder of the lease was frozen"
        time.sleep(0.1)
    for pid in reversed(pids):
        os.kill(pid, signal.SIGCONT)
    made.await_status("succeeded", of=rollback)

    assert of_kind(made.events(rollback), e.WorkerLost)
    assert done_once(made, rollback)
    assert made.runs == "v1.2.3"


@pytest.mark.parametrize("victim", ["worker", "job"])
def test_killed_inside_a_step_it_is_probed_and_done_once(
    slack: Slack, host: Make, gate: Path, victim: str
) -> None:
    """Cases 25 to 27: the next one probes, the card says so, and the switch is not repeated."""
    made = host(chats=on_slack(slack))
    made.start("bot", "worker")
    rollback = at_the_gate(made, gate)
    worker = made.running["worker"].pid
    below = descendants(worker)
    os.kill(worker if victim == "worker" else job_of(worker), signal.SIGKILL)
    if victim == "worker":
        made.running.pop("worker").wait(timeout=10)
        made.start("worker")
    began = time.monotonic()
    (gate / "open").touch()
    made.await_status("succeeded", of=rollback)

    assert time.monotonic() - began < TOLD_WITHIN_S
    assert of_kind(made.events(rollback), e.StepProbed)
    eventually(lambda: told(slack, rollback, "card.taken_up"), what="the card says it")
    assert done_once(made, rollback)
    eventually(lambda: not any(map(is_running, below)), what="what it had started is gone")


def test_sigterm_ends_the_step_and_the_next_worker_goes_on(host: Make, gate: Path) -> None:
    """Case 29: the check that runs is finished first, and is not run again."""
    made = host()
    made.start("bot", "worker")
    rollback = at_the_gate(made, gate)
    made.running["worker"].send_signal(signal.SIGTERM)
    (gate / "open").touch()
    made.running.pop("worker").wait(timeout=20)
    state = made.state(rollback)
    assert state is not None
    assert not state.in_flight
    made.start("worker")
    made.await_status("succeeded", of=rollback)

    assert not of_kind(made.events(rollback), e.StepProbed)
    assert done_once(made, rollback)


def test_sigterm_twice_leaves_it_resumable(host: Make, gate: Path) -> None:
    """Case 30: it leaves the step where it is; the next worker probes and goes on."""
    made = host()
    made.start("bot", "worker")
    rollback = at_the_gate(made, gate)
    child = int((gate / "began").read_text())
    for _ in range(2):
        made.running["worker"].send_signal(signal.SIGTERM)
        time.sleep(0.3)
    made.running.pop("worker").wait(timeout=20)
    state = made.state(rollback)
    assert state is not None
    assert state.in_flight
    eventually(lambda: not is_running(child), what="its child is gone")
    (gate / "open").touch()
    made.start("worker")
    made.await_status("succeeded", of=rollback)

    assert done_once(made, rollback)


def test_a_step_over_its_limit_takes_its_children_along(host: Make, gate: Path) -> None:
    """Case 31: failed with the reason, nothing of it runs on, the release stays where it is."""
    made = host(check_timeout_s=2)
    made.start("bot", "worker")
    rollback = at_the_gate(made, gate)
    child = int((gate / "began").read_text())
    state = made.await_status("failed", of=rollback)

    assert state.reason is not None
    assert "timed_out" in state.reason.key
    eventually(lambda: not is_running(child), what="the check's child is gone")
    assert made.runs == "v1.2.3"


def test_deadlines_outlive_the_bot(host: Make, gate: Path) -> None:
    """Case 32: nobody answers while the bot is killed again and again: it expires in its time."""
    made = host(expires_min=1)
    made.start("bot", "worker")
    made.await_worker()
    rollback = made.ask_api("v1.2.3")
    asked = made.state(rollback)
    assert asked is not None
    assert asked.question is not None
    for _ in range(3):
        made.kill("bot")
        made.start("bot")
    expires_at = asked.question.expires_at
    made.await_status("expired", of=rollback, within_s=90)

    (expired,) = [
        entry for entry in made.store().book.entries(rollback) if isinstance(entry.event, e.Expired)
    ]
    assert 0 <= (expired.at - expires_at).total_seconds() < TOLD_WITHIN_S
    assert made.runs == "v1.3.0"


def test_a_redis_without_memory_pauses_the_running_one(
    host: Make, gate: Path, embedded_redis: RedisServer
) -> None:
    """Case 36: nothing is begun that cannot be written; with room again it goes on by itself."""
    made = host()
    made.start("bot", "worker")
    rollback = at_the_gate(made, gate)
    with redis.Redis(port=embedded_redis.port) as server:
        server.config_set("maxmemory", "1")
        known = len(made.events(rollback))
        (gate / "open").touch()
        job = job_of(made.running["worker"].pid)
        eventually(lambda: not is_running(job), within_s=30, what=made.logs)
        assert len(made.events(rollback)) == known
        server.config_set("maxmemory", "0")
    began = time.monotonic()
    made.await_status("succeeded", of=rollback)

    assert time.monotonic() - began < TOLD_WITHIN_S
    assert done_once(made, rollback)
    assert made.running["worker"].poll() is None
