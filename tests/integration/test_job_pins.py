"""Where a rollback writes the version down, so that a later plain `up` by a human keeps it."""

from __future__ import annotations

import pytest

from tests.integration.incident import incident, phrase, pinned_by
from tests.servers.slack import Slack
from tests.servers.slack_fixture import slack
from tests.stack.compose import Compose
from tests.stack.fixtures import SamokoderFactory
from tests.stack.rollbot_fixtures import InstallationFactory

__all__ = ["slack"]

pytestmark = [
    pytest.mark.engine("docker", "registry", "redis", "compose_v1", "compose_v2"),
    pytest.mark.timeout(600),
]

# Compose 2.26 counts `depends_on`, which `--no-deps` takes out, into what a container was made of:
# a person's next plain `up` makes such a container once more, of the same image.
RESTARTED: dict[str, set[str]] = {"v1": set(), "v2": {"api"}}


async def test_a_variable_pin_survives_a_plain_up(
    slack: Slack, compose: Compose, samokoder: SamokoderFactory, installation: InstallationFactory
) -> None:
    """H6: `.env` says v1.2.3, so `up` keeps api; that others share the variable was said (H7)."""
    project = samokoder(compose, "v1.3.0")
    there = await incident(project, slack, installation).begins()

    rollback = await there.asks_and_sees("/rollback api v1.2.3")
    await there.shows(rollback, phrase("plan.shared_variable"), "APP_VERSION", "worker, frontend")
    await there.says("U0ANNA", f"/rollback approve {rollback}")
    await there.until("succeeded", of=rollback)
    moved = project.identities()
    assert project.version("worker") == "v1.3.0"
    project.compose.run(project.directory, "up", "-d")

    assert project.pinned() == "v1.2.3"
    assert project.identities()["api"] == moved["api"] or "api" in RESTARTED[compose.generation]
    project.await_version("api", "v1.2.3")


async def test_an_override_pin_moves_api_alone_for_good(
    slack: Slack, compose: Compose, samokoder: SamokoderFactory, installation: InstallationFactory
) -> None:
    """H7: a later plain `up` by a human moves nobody, and an undo takes the pin away again."""
    project = samokoder(compose, "v1.3.0")
    override = pinned_by("override")
    there = await incident(project, slack, installation, override).begins()

    rollback = await there.rolls_back("/rollback api v1.2.3")
    rolled_back = project.identities()
    project.compose.run(project.directory, "up", "-d")

    after = project.identities()
    assert {s for s in after if after[s] != rolled_back[s]} <= RESTARTED[compose.generation]
    project.await_version("api", "v1.2.3")
    assert [project.version(s) for s in ("worker", "frontend")] == ["v1.3.0"] * 2
    assert project.pinned() == "v1.3.0"

    await there.says("U0ANNA", f"/rollback undo {rollback}")
    await there.until("undone", of=rollback)
    project.compose.run(project.directory, "up", "-d")
    project.await_version("api", "v1.3.0")
