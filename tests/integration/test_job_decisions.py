"""What people decide before and while a rollback runs, from their words and clicks on Slack."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from commands.domain import events as e
from tests.integration.incident import Incident, expiring_in, incident, own_check, phrase
from tests.integration.slack_people import ANNA, EGOR, IVAN, VERA
from tests.servers.slack import Slack
from tests.servers.slack_fixture import slack
from tests.stack.compose import compose_v2
from tests.stack.fixtures import SamokoderFactory
from tests.stack.installation import of_kind
from tests.stack.rollbot_fixtures import InstallationFactory

__all__ = ["slack"]

pytestmark = [
    pytest.mark.engine("docker", "registry", "redis", "compose_v2"),
    pytest.mark.timeout(600),
]

NOBODY = "U00000002"


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """A check that reads this pipe waits until somebody writes into it."""
    pipe = tmp_path / "gate"
    os.mkfifo(pipe)
    return pipe


async def test_no_means_no_and_silence_expires(
    slack: Slack, samokoder: SamokoderFactory, installation: InstallationFactory
) -> None:
    """Cancelled, denied with a reason, withdrawn, left unanswered: production is not touched.

    Boris, who is asked too, has no account on this Slack: one try a question, one warning.
    """
    project = samokoder(compose_v2(), "v1.3.0")
    before, env = project.identities(), project.env_file.read_bytes()
    short = expiring_in("api", 1)
    there = await incident(project, slack, installation, short).begins()
    forgotten = await there.asks_and_sees("/rollback worker v1.2.2")

    cancelled = await there.asks_and_sees("/rollback frontend v1.2.3")
    await there.presses(ANNA, cancelled, phrase("button.cancel"))
    await there.shows(cancelled, phrase("status.cancelled"))
    denied = await there.asks_and_sees("/rollback api v1.2.2")
    await there.says(VERA, f"/rollback approve {denied}")
    await there.told(VERA, phrase("refused.not_an_approver"))
    await there.says(ANNA, f'/rollback deny {denied} "not <now> & here"')
    await there.shows(denied, phrase("status.denied"), "not &lt;now&gt; &amp; here")
    await _half_approved_then_withdrawn(there)
    await there.until("expired", of=forgotten, within_s=180)
    await there.shows(forgotten, phrase("status.expired"))
    await there.says(ANNA, f"/rollback approve {forgotten}")
    await there.told(ANNA, forgotten, phrase("refused.no_question"))

    assert project.identities() == before
    assert project.env_file.read_bytes() == env
    opened = there.made.store().book.environment().opened
    assert not [v for name in opened for v in of_kind(there.made.events(name), e.ExecutionStarted)]
    tried = [c for c in slack.calls("conversations.open") if c.arguments["users"] == NOBODY]
    assert 1 <= len(tried) <= len(opened)
    log = (there.made.directory / "bot.log").read_text()
    warned = [line for line in log.splitlines() if "account_not_found" in line and NOBODY in line]
    assert ["warning" in line for line in warned].count(True) == 1


async def _half_approved_then_withdrawn(there: Incident) -> None:
    """One of two takes the yes back before the other says theirs: nothing begins."""
    full = await there.asks_and_sees("/rollback full v1.2.3")
    await there.answers_directly(EGOR, full, phrase("button.approve"))
    await there.told(EGOR, phrase("answer.approved_waiting"), "CTO")
    await there.says(EGOR, f"/rollback withdraw {full}")
    await there.told(EGOR, phrase("answer.withdrawn"))
    await there.answers_directly(IVAN, full, phrase("button.approve"))
    await there.told(IVAN, phrase("answer.approved_waiting"), "Incident Commander")
    state = there.made.state(full)
    assert state is not None
    assert state.status.value == "planned"
    await there.presses(ANNA, full, phrase("button.cancel"))
    await there.until("cancelled", of=full)


async def test_while_one_runs_others_join_wait_or_stop_it(
    slack: Slack, samokoder: SamokoderFactory, installation: InstallationFactory, gate: Path
) -> None:
    """Same target joins, another is refused with who and since when; stopped, it goes on."""
    project = samokoder(compose_v2(), "v1.3.0")
    checks = own_check("Ворота", "cat", str(gate)), own_check("После", "echo", "after the gate")
    there = await incident(project, slack, installation, *checks).begins()
    running = await there.rolls_back("/rollback api v1.2.3", until="verifying")
    # A pipe opens when its reader has: from here on the check runs, and waits for us.
    gatekeeper = await asyncio.to_thread(gate.open, "w")

    await there.says(VERA, "/rollback api v1.2.3")
    await there.told(VERA, phrase("answer.joined"))
    await there.says(EGOR, "/rollback frontend v1.2.3")
    await there.told(EGOR, phrase("refused.slot_held"), running, "Анна", "с ")
    await there.presses(VERA, running, phrase("button.stop"))
    await there.told(VERA, phrase("answer.stopping"))
    await there.shows(running, phrase("status.stopping"))
    gatekeeper.close()
    stopped = await there.until("stopped", of=running)
    blocked = stopped.blocked()
    assert blocked is not None
    await there.presses(ANNA, running, phrase("button.go_on"))
    await there.until("succeeded", of=running)
    await there.shows(running, phrase("card.joined"), "Вера")

    events = there.made.events(running)
    assert len(of_kind(events, e.Stopped)) == 1
    done = [v.step for v in events if isinstance(v, e.StepDone)]
    assert len(done) == len(set(done))
    assert project.version("frontend") == "v1.3.0"
    assert there.made.store().book.environment().last_number == 1


async def test_a_tag_pushed_anew_after_the_plan_asks_everybody_anew(
    slack: Slack, samokoder: SamokoderFactory, installation: InstallationFactory
) -> None:
    """Approved for one image and found another: plan changed, no step; the new one is run."""
    project = samokoder(compose_v2(), "v1.3.0", own_images=True)
    before = project.identities()
    there = await incident(project, slack, installation).begins()
    rollback = await there.asks_and_sees("/rollback api v1.2.3")
    first = there.made.state(rollback)
    assert first is not None
    assert first.plan is not None
    project.images.publish("api", "v1.2.3", note="pushed again")
    digest = project.images.digest("api", "v1.2.3")

    await there.presses(ANNA, rollback, phrase("button.approve"))
    await there.shows(rollback, phrase("card.plan_changed"), phrase("plan.target_changed"))
    state = await there.until("planned", of=rollback)
    assert state.approved is None
    assert state.question is not None
    assert state.question.approvals == {}
    assert state.plan_digest != first.plan_digest
    assert project.identities() == before
    await there.shows(rollback, phrase("status.planned_anew"))
    await there.says(ANNA, f"/rollback approve {rollback}")
    await there.told(ANNA, phrase("refused.typed_changed"))
    await there.presses(ANNA, rollback, phrase("button.approve"))
    await there.until("succeeded", of=rollback)

    image = project.container("api").image
    assert image is not None
    assert image.attrs["RepoDigests"][0].endswith(digest)
