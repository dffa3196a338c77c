"""Fault case 28 in its real length, in a file of its own: beside it the other tests go on."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from commands.domain import events as e
from commands.domain.command import Recover, Stop
from tests.engines.waiting import eventually, throughout
from tests.faults.campaign_processes import job_of
from tests.faults.gate import (
    TOLD_WITHIN_S,
    Make,
    at_the_gate,
    begun,
    done_once,
    frozen,
    gate,
    host,
    told,
)
from tests.integration.slack_people import on_slack
from tests.servers.slack import Slack
from tests.servers.slack_fixture import slack
from tests.stack.installation import of_kind

__all__ = ["gate", "host", "slack"]

FROZEN_S = 120.0


@pytest.mark.timeout(600)
def test_a_worker_frozen_for_two_minutes(slack: Slack, host: Make, gate: Path) -> None:
    """Told at once; a second worker waits for the lease; awake it re-reads, and obeys a Stop."""
    made = host(chats=on_slack(slack), then=("touch", str(gate / "second")))
    made.start("bot", "worker")
    rollback = at_the_gate(made, gate)
    job = job_of(made.running["worker"].pid)
    pids, frozen_at = frozen(made), time.monotonic()
    eventually(
        lambda: told(slack, rollback, "status.worker_lost"), within_s=TOLD_WITHIN_S, what=made.logs
    )
    before = begun(made, rollback)
    made.running["first"] = made.running.pop("worker")
    made.start("worker")
    second = made.running["worker"].pid
    eventually(lambda: job_of(second), what=made.logs)
    eventually(
        lambda: told(slack, rollback, "status.worker_stopped", f"kill -CONT {job}"),
        within_s=TOLD_WITHIN_S,
        what=made.logs,
    )
    (gate / "open").touch()
    made.order(Stop(made.actor("anna")), rollback)
    throughout(
        lambda: begun(made, rollback) == before,
        until=frozen_at + FROZEN_S,
        what="nobody acts while the holder of the lease is frozen",
    )
    for pid in reversed(pids):
        os.kill(pid, signal.SIGCONT)

    made.await_status("stopped", of=rollback)
    assert not (gate / "second").exists(), "it read what was ordered before its next step"
    eventually(lambda: told(slack, rollback, "card.worker_back"), what="it is said to go on")
    made.order(Recover(made.actor("anna"), "retry"), rollback)
    made.await_status("succeeded", of=rollback)
    assert (gate / "second").exists()
    assert done_once(made, rollback)
    assert not of_kind(made.events(rollback), e.StepProbed), "the first one ended its own step"
    assert made.runs == "v1.2.3"
