"""Fault cases 25 to 33 with real processes: killed, stopped, asked to end, out of time."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
import redis

from commands.domain import events as e
from tests.engines.redis_server import RedisServer
from tests.engines.waiting import eventually
from tests.faults.campaign_processes import descendants, job_of
from tests.faults.gate import TOLD_WITHIN_S, Make, at_the_gate, done_once, gate, host, told
from tests.integration.slack_people import on_slack
from tests.integration.worker_host import is_running
from tests.servers.slack import Slack
from tests.servers.slack_fixture import slack
from tests.stack.installation import of_kind

__all__ = ["gate", "host", "slack"]

pytestmark = pytest.mark.timeout(600)

# A check that leaves a grandchild behind which nobody's session, group or lease knows, and which
# does not end when asked. It writes down when it was last seen.
STRAY = (
    "import os, pathlib, signal, sys, time\n"
    "gate = pathlib.Path(sys.argv[1])\n"
    "if os.fork() == 0:\n"
    "    os.setsid()\n"
    "    if os.fork() == 0:\n"
    "        os.closerange(0, 256)\n"
    "        signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    "        (gate / 'part').write_text(str(os.getpid()))\n"
    "        (gate / 'part').rename(gate / 'began')\n"
    "        while True:\n"
    "            (gate / 'part').write_text(str(time.time()))\n"
    "            (gate / 'part').rename(gate / 'seen')\n"
    "            time.sleep(0.01)\n"
    "    os._exit(0)\n"
    "os.wait()\n"
    "while not (gate / 'open').exists(): time.sleep(0.02)\n"
)


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
        made.running.pop("worker").wait(timeout=60)
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
    made.running.pop("worker").wait(timeout=60)
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
    made.running["worker"].send_signal(signal.SIGTERM)
    eventually(lambda: "worker_stopping" in made.log("worker"), what=made.logs)
    made.running["worker"].send_signal(signal.SIGTERM)
    made.running.pop("worker").wait(timeout=60)
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
    made = host(check_timeout_s=5)
    made.start("bot", "worker")
    rollback = at_the_gate(made, gate)
    child = int((gate / "began").read_text())
    state = made.await_status("failed", of=rollback)

    assert state.reason is not None
    assert "timed_out" in state.reason.key
    eventually(lambda: not is_running(child), what="the check's child is gone")
    assert made.runs == "v1.2.3"


def test_what_closed_the_lease_is_ended_before_anybody_goes_on(host: Make, gate: Path) -> None:
    """Case 26: it outlived the job process, unseen by the lease; the next one looks for it."""
    made = host(STRAY)
    made.start("bot", "worker")
    rollback = at_the_gate(made, gate)
    stray = int((gate / "began").read_text())
    os.kill(job_of(made.running["worker"].pid), signal.SIGKILL)
    (gate / "open").touch()
    eventually(lambda: not is_running(stray), within_s=TOLD_WITHIN_S, what=made.logs)
    seen = float((gate / "seen").read_text())
    state = made.await_status("succeeded", of=rollback)

    probed = [v for v in made.store().book.entries(rollback) if isinstance(v.event, e.StepProbed)]
    assert [seen < entry.at.timestamp() for entry in probed] == [True]
    assert state.succeeded
    assert done_once(made, rollback)


def test_the_time_limit_reaches_what_left_its_session(host: Make, gate: Path) -> None:
    """Case 31: twice forked and without the lease, it ends with its step all the same."""
    made = host(STRAY, check_timeout_s=5)
    made.start("bot", "worker")
    rollback = at_the_gate(made, gate)
    stray = int((gate / "began").read_text())
    made.await_status("failed", of=rollback)

    assert not is_running(stray), "it was ended before the step was said to have failed"


def test_a_job_process_stopped_alone_is_told_of(slack: Slack, host: Make, gate: Path) -> None:
    """Case 28: its worker lives and says so, by its pid; continued, it goes on."""
    made = host(chats=on_slack(slack))
    made.start("bot", "worker")
    rollback = at_the_gate(made, gate)
    job = job_of(made.running["worker"].pid)
    os.kill(job, signal.SIGSTOP)
    eventually(
        lambda: told(slack, rollback, "status.worker_stopped", f"kill -CONT {job}"),
        within_s=TOLD_WITHIN_S,
        what=made.logs,
    )
    os.kill(job, signal.SIGCONT)
    eventually(lambda: told(slack, rollback, "card.worker_back"), what="it is said to go on")
    (gate / "open").touch()
    made.await_status("succeeded", of=rollback)

    assert done_once(made, rollback)
    assert not of_kind(made.events(rollback), e.StepProbed)


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
    made.await_status("expired", of=rollback, within_s=180)

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
        eventually(lambda: not is_running(job), what=made.logs)
        assert len(made.events(rollback)) == known
        server.config_set("maxmemory", "0")
    began = time.monotonic()
    made.await_status("succeeded", of=rollback)

    assert time.monotonic() - began < TOLD_WITHIN_S
    assert done_once(made, rollback)
    assert made.running["worker"].poll() is None
