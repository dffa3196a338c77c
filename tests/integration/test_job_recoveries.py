"""Ways out of a half-done rollback that need more than one person, or more than one attempt."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from commands.domain import events as e
from tests.integration.incident import Incident, incident, own_check, patience, phrase
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

NEVER = "v1.9.9-never-healthy"
SERVICES = ("api", "worker", "frontend")


async def approved_by_both(there: Incident, rollback: str) -> None:
    """Incident Commander and CTO say yes in their direct messages."""
    for person in (EGOR, IVAN):
        await there.answers_directly(person, rollback, phrase("button.approve"))


async def test_undo_of_full_needs_both_again_and_brings_every_version_back(
    slack: Slack, samokoder: SamokoderFactory, installation: InstallationFactory
) -> None:
    """What ran was mixed, under one shared variable: each service gets back exactly its own."""
    project = samokoder(compose_v2(), "v1.3.0")
    project.deploy("v1.2.2", "worker")
    project.pin("APP_VERSION", "v1.3.0")
    before = {s: project.container(s).attrs["Image"] for s in SERVICES}
    state = project.identities()
    quick = [patience(service, 4) for service in SERVICES]
    there = await incident(project, slack, installation, *quick).begins()

    full = await there.asks_and_sees(f"/rollback full {NEVER}")
    await approved_by_both(there, full)
    await there.until("failed", of=full)
    await there.presses(ANNA, full, phrase("button.undo"))
    await there.told(ANNA, phrase("answer.recovery_asked"), "Incident Commander", "CTO")
    await approved_by_both(there, full)
    await there.until("undone", of=full)

    assert {s: project.container(s).attrs["Image"] for s in SERVICES} == before
    assert project.pinned() == "v1.3.0"
    after = project.identities()
    assert {s: after[s] for s in ("db", "redis")} == {s: state[s] for s in ("db", "redis")}


async def test_left_as_it_is_the_environment_is_free_for_the_next(
    slack: Slack, samokoder: SamokoderFactory, installation: InstallationFactory
) -> None:
    """A failed one is let go; the next heals; undo is for the latest alone, and only once."""
    project = samokoder(compose_v2(), "v1.3.0")
    there = await incident(project, slack, installation, patience("api", 3)).begins()

    left = await there.rolls_back(f"/rollback api {NEVER}", until="failed")
    await there.presses(ANNA, left, phrase("button.abandon"))
    await there.until("cancelled", of=left)
    await there.shows(left, phrase("status.abandoned"))
    first = await there.rolls_back("/rollback api v1.2.3")
    second = await there.rolls_back("/rollback api v1.2.2")
    await there.says(ANNA, f"/rollback undo {first}")
    await there.told(ANNA, first, second, phrase("refused.undo_not_latest"))
    await there.says(ANNA, f"/rollback undo {second}")
    await there.until("undone", of=second)
    await asyncio.to_thread(project.await_version, "api", "v1.2.3")
    await there.says(ANNA, f"/rollback undo {second}")
    await there.told(ANNA, phrase("refused.nothing_to_recover"))

    assert project.pinned() == "v1.2.3"


async def test_an_approved_full_takes_over_from_one_that_runs(
    slack: Slack, samokoder: SamokoderFactory, installation: InstallationFactory, tmp_path: Path
) -> None:
    """The running step ends, the smaller gives way between two steps, nothing runs twice."""
    project = samokoder(compose_v2(), "v1.3.0")
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    # Only the first that reads the pipe waits; the full one finds it gone.
    check = f"test -p {gate} && cat {gate} && rm {gate}; exit 0"
    checks = own_check("Ворота", "sh", "-c", check), own_check("После", "true")
    there = await incident(project, slack, installation, *checks).begins()
    small = await there.rolls_back("/rollback api v1.2.3", until="verifying")
    gatekeeper = await asyncio.to_thread(gate.open, "w")

    full = await there.asks("/rollback full v1.2.3", VERA)
    gatekeeper.close()
    await there.until("planned", of=full)
    await approved_by_both(there, full)
    await there.until("succeeded", of=full)
    smaller = await there.until("succeeded", "superseded", of=small)

    assert [project.version(s) for s in SERVICES] == ["v1.2.3"] * 3
    started = of_kind(there.made.events(full), e.ExecutionStarted)
    assert len(started) == 1
    assert smaller.status.ended


async def test_a_deploy_after_the_success_is_not_overwritten_by_an_undo(
    slack: Slack, samokoder: SamokoderFactory, installation: InstallationFactory
) -> None:
    """Frozen, then let go on (H20): an undo finds the pipeline's release, and asks people."""
    project = samokoder(compose_v2(), "v1.3.0")
    there = await incident(project, slack, installation).begins()
    rollback = await there.rolls_back("/rollback api v1.2.3")
    frozen = await asyncio.to_thread(there.made.run, "pre-deploy", "--version", "v1.2.2")
    assert frozen.returncode != 0
    assert rollback in frozen.stderr
    await there.says(ANNA, '/rollback unfreeze "the pipeline is mended"')
    await there.told(ANNA, phrase("answer.unfrozen"))
    free = await asyncio.to_thread(there.made.run, "pre-deploy", "--version", "v1.2.2")
    assert free.returncode == 0, free.stderr
    deploys = there.made.store().book.environment().deploys
    assert [(one.version, one.backup) for one in deploys] == [("v1.2.2", "")]
    await asyncio.to_thread(project.deploy, "v1.2.2")
    containers, pins = project.identities(), project.env_file.read_bytes()

    await there.says(ANNA, f"/rollback undo {rollback}")
    state = await there.until("in_doubt", of=rollback)
    await there.shows(rollback, phrase("step.switched_since"))

    assert state.direction == "back"
    assert (project.identities(), project.env_file.read_bytes()) == (containers, pins)
    await there.presses(ANNA, rollback, phrase("button.abandon"))
    await there.until("cancelled", of=rollback)
    assert (project.identities(), project.env_file.read_bytes()) == (containers, pins)
    assert there.made.store().book.environment().slot is None
