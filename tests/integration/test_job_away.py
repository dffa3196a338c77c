"""No worker, no engine: said within seconds, with what to do, and it goes on afterwards."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.engines.found import address_of
from tests.integration.incident import engine_at, incident, patience, phrase
from tests.integration.slack_people import ANNA, CHANNEL
from tests.servers.slack import Fault, Message, Slack
from tests.servers.slack_fixture import slack
from tests.stack.compose import compose_v2
from tests.stack.fixtures import SamokoderFactory
from tests.stack.forwarder import Forwarder
from tests.stack.rollbot_fixtures import InstallationFactory

__all__ = ["slack"]

pytestmark = [
    pytest.mark.engine("docker", "registry", "redis", "compose_v2"),
    pytest.mark.timeout(600),
]

# 5 s, where the machine is its own.
TOLD_WITHIN_S = 25.0
# The stand-in refuses so many posts, each for a second: edits of the card come first.
LATE = 3
NEVER = "v1.9.9-never-healthy"


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A unix socket's path may not be longer than 107 bytes."""
    with TemporaryDirectory(prefix="job-") as folder:
        yield Path(folder)


async def test_without_a_worker_people_are_told_and_it_goes_on_later(
    slack: Slack, samokoder: SamokoderFactory, installation: InstallationFactory
) -> None:
    """Told within seconds of asking, with what to do; a worker comes, and the plan with it."""
    project = samokoder(compose_v2(), "v1.3.0")
    there = await incident(project, slack, installation).begins("bot")

    asked_at = time.monotonic()
    rollback = await there.asks("/rollback api v1.2.3")
    await there.shows(rollback, phrase("status.worker_lost"))
    assert time.monotonic() - asked_at < TOLD_WITHIN_S
    there.made.start("worker")
    await there.until("planned", of=rollback)
    await there.shows(rollback, phrase("status.planned"))
    there.made.kill("worker")
    await there.presses(ANNA, rollback, phrase("button.approve"))
    approved_at = time.monotonic()
    await slack.wait_for(lambda: _told(slack, rollback) >= 2)
    assert time.monotonic() - approved_at < TOLD_WITHIN_S
    there.made.start("worker")
    await there.until("succeeded", of=rollback)

    assert project.version("api") == "v1.2.3"


async def test_an_engine_that_is_away_is_told_and_nothing_is_touched(
    slack: Slack,
    samokoder: SamokoderFactory,
    installation: InstallationFactory,
    short_folder: Path,
) -> None:
    """Docker's socket gone before a plan, and before an approved start: both are said at once."""
    project = samokoder(compose_v2(), "v1.3.0")
    before = project.identities()
    way = Forwarder(short_folder, address_of("docker"))
    there = await incident(project, slack, installation, engine_at(way.url)).begins()

    approved = await there.asks_and_sees("/rollback api v1.2.3")
    way.cut()
    await there.presses(ANNA, approved, phrase("button.approve"))
    await there.shows(approved, phrase("error.engine_unavailable"))
    unplanned = await there.asks("/rollback frontend v1.2.3")
    await there.shows(unplanned, phrase("error.engine_unavailable"))
    assert project.identities() == before
    assert project.pinned() == "v1.3.0"

    back = Forwarder(short_folder, address_of("docker"))
    try:
        await there.rolls_back("/rollback api v1.2.3")
    finally:
        back.cut()
    assert project.version("api") == "v1.2.3"


async def test_an_engine_lost_under_way_fails_the_step_and_undo_waits_for_it(
    slack: Slack,
    samokoder: SamokoderFactory,
    installation: InstallationFactory,
    short_folder: Path,
) -> None:
    """Docker's socket gone while health is awaited: failed at once; an undo needs it back.

    The announcement of the second failure is late: the first one's button is told to be old.
    """
    project = samokoder(compose_v2(), "v1.3.0")
    way = Forwarder(short_folder, address_of("docker"))
    changes = engine_at(way.url), patience("api", 60)
    there = await incident(project, slack, installation, *changes).begins()

    rollback = await there.asks_and_sees(f"/rollback api {NEVER}")
    await there.presses(ANNA, rollback, phrase("button.approve"))
    await asyncio.to_thread(project.await_version, "api", NEVER)
    way.cut()
    await there.until("failed", of=rollback)
    await there.shows(rollback, phrase("status.failed"), phrase("error.engine_unavailable"))
    announced = await slack.wait_for(lambda: _announced(slack, rollback))
    assert announced is not None
    slack.faults.next("chat.postMessage", Fault.RATE_LIMITED, LATE)
    await there.presses(ANNA, rollback, phrase("button.undo"))
    await there.shows(rollback, phrase("status.undo_failed"))
    await there.clicks(ANNA, announced, phrase("button.retry"))
    await there.told(ANNA, rollback, phrase("refused.plan_changed"))
    back = Forwarder(short_folder, address_of("docker"))
    try:
        await there.presses(ANNA, rollback, phrase("button.retry"))
        await there.until("undone", of=rollback)
    finally:
        back.cut()

    project.await_version("api", "v1.3.0")
    assert project.pinned() == "v1.3.0"


def _announced(slack: Slack, rollback: str) -> Message | None:
    """The announcement of a failure: a message of its own beside the card."""
    said = [m for m in slack.messages(CHANNEL) if rollback in m.all_text]
    failed = [m for m in said if not m.earlier and phrase("status.failed") in m.all_text]
    return failed[-1] if failed else None


def _told(slack: Slack, rollback: str) -> int:
    """How many messages of the channel say that no worker lives."""
    said = (m for m in slack.world.messages if rollback in m.all_text)
    return sum(phrase("status.worker_lost") in m.all_text for m in said)
