"""Rollbacks that do not go well: what people are told, and how they get out of it."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from commands.domain import events as e
from commands.domain.proof import Verdict
from tests.integration.incident import incident, own_check, patience, phrase
from tests.integration.slack_people import ANNA, EGOR, IVAN
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

NEVER, CRASH = "v1.9.9-never-healthy", "v1.9.8-crash"


async def test_a_release_that_never_gets_well_is_undone_by_button(
    slack: Slack, samokoder: SamokoderFactory, installation: InstallationFactory
) -> None:
    """Failed, phones ring, one click: what ran before runs again and is read back."""
    project = samokoder(compose_v2(), "v1.2.3")
    before = project.container("api").attrs["Image"]
    there = await incident(project, slack, installation, patience("api", 4)).begins()

    rollback = await there.rolls_back(f"/rollback api {NEVER}", until="failed")
    said = phrase("status.failed"), "503", phrase("card.who_may") + " Дежурный DevOps"
    attention = await there.shows(rollback, *said)
    assert attention.earlier == []
    assert project.pinned() == NEVER
    await there.presses(ANNA, rollback, phrase("button.undo"))
    state = await there.until("undone", of=rollback)
    await there.shows(rollback, phrase("card.undone"), phrase("card.proof"))

    # An undo does not wait for health: what ran before may well have been ill.
    project.await_version("api", "v1.2.3")
    assert project.container("api").attrs["Image"] == before
    assert project.pinned() == "v1.2.3"
    assert {(i.service, i.what): i.verdict for i in state.proof}["api", "digest"] is Verdict.OK
    assert there.made.store().book.environment().slot is None


async def test_a_crash_loop_fails_early_and_a_full_rollback_takes_over(
    slack: Slack, samokoder: SamokoderFactory, installation: InstallationFactory
) -> None:
    """The reason is told long before the health limit; approved, `full` supersedes the rest."""
    project = samokoder(compose_v2(), "v1.3.0")
    there = await incident(project, slack, installation, patience("api", 600)).begins()

    crashed = await there.rolls_back(f"/rollback api {CRASH}", until="failed")
    await there.shows(crashed, "docker logs")
    state = there.made.state(crashed)
    assert state is not None
    assert state.blocked() is not None
    assert max(record.seconds or 0 for record in state.steps.values()) < 150
    await there.says(ANNA, "/rollback frontend v1.2.3")
    await there.told(ANNA, crashed, phrase("refused.slot_held"))
    full = await there.asks_and_sees("/rollback full v1.2.3")
    for person in (EGOR, IVAN):
        await there.answers_directly(person, full, phrase("button.approve"))
    await there.until("succeeded", of=full)
    await there.shows(crashed, phrase("status.superseded"), full)

    assert [project.version(s) for s in ("api", "worker", "frontend")] == ["v1.2.3"] * 3
    superseded = there.made.state(crashed)
    assert superseded is not None
    assert superseded.status.value == "superseded"


async def test_a_port_that_is_taken_fails_the_switch_and_undo_restores(
    slack: Slack, samokoder: SamokoderFactory, installation: InstallationFactory
) -> None:
    """The engine's own words are told; once the port is free, undo brings the old one back."""
    project = samokoder(compose_v2(), "v1.3.0")
    there = await incident(project, slack, installation).begins()
    with socket.create_server(("127.0.0.1", 0)) as squatter:
        taken = squatter.getsockname()[1]
        published = f'"127.0.0.1:{project.ports["api"]}:8000"'
        written = project.compose_file.read_text()
        both = f'{published}, "127.0.0.1:{taken}:8001"'
        project.compose_file.write_text(written.replace(published, both))

        rollback = await there.rolls_back("/rollback api v1.2.3", until="failed")
        await there.shows(rollback, phrase("status.failed"), "docker compose")
        await there.threads_say(rollback, "address already in use")
        assert project.version("api") == ""

    await there.presses(ANNA, rollback, phrase("button.undo"))
    await there.until("undone", of=rollback)

    project.await_version("api", "v1.3.0")
    assert project.pinned() == "v1.3.0"


async def test_a_red_check_is_retried_once_its_cause_is_mended(
    slack: Slack, samokoder: SamokoderFactory, installation: InstallationFactory, tmp_path: Path
) -> None:
    """The customer's command fails with its tail in the thread; mended, Retry ends it well."""
    project = samokoder(compose_v2(), "v1.3.0")
    switch = tmp_path / "payments-are-well"
    script = f"test -e {switch} || {{ echo canary: payments are down >&2; exit 7; }}; echo fine"
    change = own_check("Платежи", "sh", "-c", script)
    there = await incident(project, slack, installation, change).begins()

    rollback = await there.rolls_back("/rollback api v1.2.3", until="failed")
    await there.shows(rollback, phrase("status.failed"), "Платежи", "код 7")
    await there.threads_say(rollback, "payments are down")
    switch.touch()
    await there.presses(ANNA, rollback, phrase("button.retry"))
    await there.until("succeeded", of=rollback)
    await there.threads_say(rollback, "fine")

    events = there.made.events(rollback)
    assert len(of_kind(events, e.RetryOrdered)) == 1
    switches = [v for v in of_kind(events, e.StepIntended) if getattr(v, "step", 0) == 3]
    assert len(switches) == 1


async def test_a_failed_check_is_taken_on_a_persons_word_and_undone_later(
    slack: Slack, samokoder: SamokoderFactory, installation: InstallationFactory
) -> None:
    """Mark done goes on under a name; an undo of the proven rollback brings v1.3.0 back."""
    project = samokoder(compose_v2(), "v1.3.0")
    there = await incident(project, slack, installation, own_check("Смок", "false")).begins()

    rollback = await there.rolls_back("/rollback api v1.2.3", until="failed")
    await there.presses(ANNA, rollback, phrase("button.mark_done"))
    state = await there.until("succeeded", of=rollback)
    await there.shows(rollback, phrase("card.marked_by"), "Анна")
    assert project.version("api") == "v1.2.3"
    assert "smoke" not in {check.check for check in state.checks}

    await there.says(ANNA, f"/rollback undo {rollback}")
    await there.until("undone", of=rollback)
    await there.shows(rollback, phrase("status.undone"))
    project.await_version("api", "v1.3.0")
    assert project.pinned() == "v1.3.0"
