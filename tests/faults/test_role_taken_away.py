"""Fault case 19 on real parts: bot, worker, journal, and the runbook on the worker's own disk."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from commands.domain import events as e
from commands.domain.command import Approve
from rollbot.demo.toml import dumps
from tests.engines.waiting import eventually
from tests.faults.gate import Make, gate, host, told
from tests.faults.worker_world import WorkerWorld
from tests.integration.slack_people import on_slack
from tests.servers.slack import Slack
from tests.servers.slack_fixture import slack
from tests.stack.installation import of_kind

__all__ = ["gate", "host", "slack"]

ROLE = "devops_oncall"


def handed_over(made: WorkerWorld, to: str) -> None:
    """Somebody edits the runbook on the host: the role is this person's now, and nobody else's."""
    file = made.directory / "runbook.toml"
    document = tomllib.loads(file.read_text())
    document["roles"][ROLE]["members"] = [to]
    file.write_text(dumps(document))


def nonce_of(made: WorkerWorld, rollback: str) -> str:
    """What the button of the card that asks now carries."""

    def nonce() -> str:
        state = made.state(rollback)
        return state.question.nonce if state and state.question else ""

    return eventually(nonce, what=made.logs)


@pytest.mark.timeout(600)
def test_a_role_taken_away_between_approval_and_start(slack: Slack, host: Make, gate: Path) -> None:
    """The worker starts nothing, people are asked again, and whoever holds it now lets it begin."""
    made = host("", chats=on_slack(slack))
    made.start("bot", "worker")
    made.await_worker()
    rollback = made.ask_api("v1.2.3")
    made.kill("worker")
    made.order(Approve(made.actor("anna")), rollback)
    made.await_status("approved", of=rollback)
    handed_over(made, to="dmitry")
    made.start("worker")
    made.await_status("planned", of=rollback)

    (gone,) = of_kind(made.events(rollback), e.Withdrawn)
    assert gone == e.Withdrawn(person="anna", by_rule=True)
    assert not of_kind(made.events(rollback), e.ExecutionStarted)
    assert made.runs == "v1.3.0"
    # A yes is for one runbook, too: the plan is made anew by the edited one, and asked for once.
    eventually(lambda: told(slack, rollback, "plan.runbook_changed"), what=made.logs)
    assert len(of_kind(made.events(rollback), e.PlanChanged)) == 1
    # The bot still goes by the runbook that it was started with; the host has the last word.
    made.order(Approve(made.actor("anna"), nonce_of(made, rollback)), rollback)
    eventually(lambda: len(of_kind(made.events(rollback), e.Withdrawn)) == 2, what=made.logs)
    assert not of_kind(made.events(rollback), e.ExecutionStarted)

    made.runbook = (made.directory / "runbook.toml").read_text()
    made.order(Approve(made.actor("dmitry"), nonce_of(made, rollback)), rollback)
    made.await_status("succeeded", of=rollback)
    (started,) = of_kind(made.events(rollback), e.ExecutionStarted)
    assert isinstance(started, e.ExecutionStarted)
    assert started.approvers == ("dmitry",)
    assert made.runs == "v1.2.3"
