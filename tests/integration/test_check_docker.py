"""`rollbot check` on real Docker, a real registry and both Compose generations."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from commands.domain.text import Text
from commands.locale import say
from commands.runbook import parse_runbook
from commands.settings import read_settings
from rollbot.check import host
from rollbot.check.command import findings, ground_of
from rollbot.check.finding import Finding, Level
from tests.stack.compose import Compose
from tests.stack.fixtures import SamokoderFactory
from tests.stack.images import SERVICES
from tests.stack.project import Samokoder
from tests.stack.runbook_file import runbook_for


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, compose: Compose, tmp_path: Path) -> None:
    """What a worker's host has: where Compose finds its plugins, and a folder for its state."""
    for name, value in compose.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("ROLLBOT_STATE_DIR", str(tmp_path / "state"))


def found_on(project: Samokoder) -> list[Finding]:
    """What the checks of the host find."""
    runbook = parse_runbook(runbook_for(project).encode())
    with closing(ground_of(read_settings(), runbook, "production")) as ground:
        return findings(ground, host.CHECKS)


def keys(found: list[Finding], level: Level) -> set[str]:
    return {finding.text.key for finding in found if finding.level is level}


def said(found: list[Finding], key: str) -> Text:
    return next(finding.text for finding in found if finding.text.key == key)


def test_a_host_that_is_ready_has_nothing_red(
    samokoder: SamokoderFactory, compose: Compose
) -> None:
    """Engine, Compose, pins, containers, targets in the registry and health: all seen to work."""
    project = samokoder(compose, "v1.2.3")
    for service in SERVICES:
        project.await_version(service, "v1.2.3")

    found = found_on(project)

    assert keys(found, Level.RED) == set(), [say(f.text, "en") for f in found]
    assert {
        "ready.engine_answers",
        "ready.compose_answers",
        "ready.variable_read",
        "ready.runs",
        "ready.targets",
        "ready.url_well",
    } <= keys(found, Level.GREEN)


def test_a_stopped_service_is_red(samokoder: SamokoderFactory, compose: Compose) -> None:
    """A container that stands still is named with its state."""
    project = samokoder(compose, "v1.2.3")
    project.container("worker").stop(timeout=0)

    stopped = said(found_on(project), "ready.not_running")

    assert (stopped.params["service"], stopped.params["state"]) == ("worker", "exited")
