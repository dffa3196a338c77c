"""Fault cases 39, 42 and 43 with the whole of rollbot on a real engine."""

from __future__ import annotations

import os
import signal
import threading
import time
import tomllib
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from commands.domain import events as e
from commands.domain.command import Approve, Ask, Recover
from commands.domain.people import Scenario
from commands.domain.request import Request
from commands.domain.runbook import Channel
from commands.domain.state import Status
from rollbot.demo.toml import dumps
from tests.engines.found import address_of
from tests.engines.waiting import eventually
from tests.faults.campaign_processes import compose_of
from tests.integration.incident import engine_at
from tests.stack.compose import Compose, compose_v2
from tests.stack.fixtures import SamokoderFactory
from tests.stack.forwarder import Forwarder
from tests.stack.installation import Installation, of_kind
from tests.stack.project import Samokoder
from tests.stack.rollbot_fixtures import InstallationFactory

pytestmark = [
    pytest.mark.engine("docker", "registry", "redis", "compose_v2"),
    pytest.mark.timeout(600),
]


def request(version: str) -> Request:
    """Ask for api."""
    return Request(
        environment="production", scenario=Scenario.SERVICE, services=("api",), version=version
    )


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A unix socket's path may not be longer than 107 bytes."""
    with TemporaryDirectory(prefix="job-") as folder:
        yield Path(folder)


def compose_pids(made: Installation) -> list[int]:
    """Every process of a Compose call that runs now, client first."""
    return compose_of(made.running["worker"].pid)


def done_once(made: Installation, rollback: str) -> bool:
    """No step has two outcomes."""
    done = [v.step for v in made.events(rollback) if isinstance(v, e.StepDone)]
    return len(done) == len(set(done))


@pytest.mark.parametrize("times", [1, 2])
def test_a_compose_killed_alone_is_repeated(
    samokoder: SamokoderFactory, installation: InstallationFactory, compose: Compose, times: int
) -> None:
    """Case 43: killed while users are down, by either generation: it heals without anybody."""
    project = samokoder(compose, "v1.3.0")
    before = str(project.container("api").id)
    made = installation(project, stable_s=0.3)
    made.start("worker")
    made.await_worker()
    rollback = made.ask(request("v1.2.3"))
    killed, over = list[int](), threading.Event()

    def at_it() -> bool:
        return bool(compose_pids(made)) and _is_down(project, before)

    def strike() -> None:
        for _ in range(times):
            eventually(lambda: over.is_set() or at_it(), within_s=180)
            for pid in () if over.is_set() else compose_pids(made):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    killed.append(pid)
            eventually(lambda: not set(killed) & set(compose_pids(made)))

    striker = threading.Thread(target=strike)
    striker.start()
    try:
        made.order(Approve(made.actor("anna")), rollback)
        made.await_status("succeeded", of=rollback, within_s=180)
    finally:
        over.set()
        striker.join()

    assert killed
    assert done_once(made, rollback)
    assert project.version("api") == "v1.2.3"
    assert len(project.containers("api")) == 1


@pytest.mark.parametrize("gone", ["before it is asked for", "after the plan"])
def test_a_missing_target_image_leaves_the_old_release_up(
    samokoder: SamokoderFactory, installation: InstallationFactory, gone: str
) -> None:
    """Case 39: pruned here and deleted there: refused before any step that changes production."""
    project = samokoder(compose_v2(), "v1.3.0", own_images=True)
    before, env = project.identities(), project.env_file.read_bytes()
    made = installation(project, stable_s=0.3)
    made.start("worker")
    made.await_worker()
    if gone == "after the plan":
        rollback = made.ask(request("v1.2.3"))
        eventually(lambda: of_kind(made.events(rollback), e.StepDone), what="it is prepared")
        _delete(project, "v1.2.3")
        made.order(Approve(made.actor("anna")), rollback)
    else:
        _delete(project, "v1.2.3")
        home = Channel(platform="console", channel="production")
        asked = made.order(Ask(made.actor("anna"), request("v1.2.3"), home))
        rollback = asked.rollback_id
    state = made.await_status("refused", "planned", "failed", "not_prepared", of=rollback)

    assert state.status is Status.REFUSED, state.status
    assert state.reason is not None
    assert not of_kind(made.events(rollback), e.ExecutionStarted)
    assert project.identities() == before
    assert project.env_file.read_bytes() == env


def _delete(project: Samokoder, version: str) -> None:
    """No copy of the image here, and none in the registry."""
    digest = project.images.digest("api", version)
    project.images.unpull("api", version)
    repository = f"http://{project.images.registry}/v2/{project.name}/samokoder-api"
    request = urllib.request.Request(f"{repository}/manifests/{digest}", method="DELETE")
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 202


def _is_down(project: Samokoder, before: str) -> bool:
    """The old container has ended, or is no more."""
    found = {str(c.id): c.status for c in project.containers("api")}
    return found.get(before) != "running" and "running" not in found.values()


def test_an_engine_away_in_mid_up_is_told_and_retried(
    samokoder: SamokoderFactory, installation: InstallationFactory, short_folder: Path
) -> None:
    """Case 42: the engine goes away under Compose: failed at once; back, Retry converges."""
    project = samokoder(compose_v2(), "v1.3.0")
    way = Forwarder(short_folder, address_of("docker"))

    def through(runbook: str) -> str:
        document = tomllib.loads(runbook)
        engine_at(way.url)(document)
        return dumps(document)

    made = installation(project, edit=through, stable_s=0.3)
    made.start("worker")
    made.await_worker()
    rollback = made.ask(request("v1.2.3"))
    made.order(Approve(made.actor("anna")), rollback)
    eventually(lambda: compose_pids(made), every_s=0.002, what=made.logs)
    way.cut()
    cut_at = time.monotonic()
    failed = made.await_status("failed", of=rollback)
    assert time.monotonic() - cut_at < 60, "1 s, where the machine is its own"
    assert failed.reason is not None
    assert failed.reason.key == "error.engine_unavailable"
    back = Forwarder(short_folder, address_of("docker"))
    try:
        made.order(Recover(made.actor("anna"), "retry"), rollback)
        made.await_status("succeeded", of=rollback, within_s=180)
    finally:
        back.cut()

    assert of_kind(made.events(rollback), e.StepFailed)
    assert done_once(made, rollback)
    assert project.version("api") == "v1.2.3"
