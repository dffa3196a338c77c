"""The worker killed at every step boundary, and the bot likewise, on real Docker and Redis.

Nothing is lost, nothing is done twice, and the rollback goes on within 15 s of a worker being
back. A second process watches the journal and kills -9 within a millisecond of the entry.
"""

from __future__ import annotations

import os
import signal
import threading
import time
import tomllib
from dataclasses import dataclass, field

import pytest

from commands.domain import events as e
from commands.domain.command import Approve
from commands.domain.people import Scenario
from commands.domain.plan import SwitchRelease
from commands.domain.request import Request
from commands.domain.state import RollbackState
from rollbot.demo.toml import dumps
from tests.engines.waiting import eventually
from tests.stack.compose import compose_v2
from tests.stack.fixtures import SamokoderFactory
from tests.stack.installation import Installation
from tests.stack.project import Samokoder
from tests.stack.rollbot_fixtures import InstallationFactory
from tests.stack.runbook_file import ENVIRONMENT

pytestmark = [
    pytest.mark.engine("docker", "registry", "redis", "compose_v2"),
    pytest.mark.timeout(600),
]

# 15 s, where the machine is its own.
GOES_ON_WITHIN_S = 75.0
STEPS = range(1, 9)
"""Pull, pin, switch, await, read back, hold, smoke check, clean up."""


@dataclass(slots=True)
class Assassin:
    """Kills a process -9 as soon as a rollback's journal says a certain thing."""

    made: Installation
    victim: str
    rollback: str
    kind: type[e.Event]
    step: int
    struck_at: int = 0
    _thread: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        """Begin to watch."""
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def join(self) -> int:
        """Wait until it struck, which it must; how long the journal was then."""
        self._thread.join(timeout=120)
        assert self.struck_at, f"{self.kind.__name__} of step {self.step} never came"
        return self.struck_at

    def _watch(self) -> None:
        journal = self.made.store().book.journal
        position = 0
        while not self.struck_at:
            found = journal.follow({self.rollback: position}, block_s=0.5)
            for entry in found.get(self.rollback, []):
                position = entry.n
                event = entry.event
                if isinstance(event, self.kind) and getattr(event, "step", 0) == self.step:
                    os.kill(self.made.running[self.victim].pid, signal.SIGKILL)
                    self.struck_at = position
                    return
                if isinstance(event, e.StepFailed | e.StepInDoubt):
                    return


def with_smoke(runbook: str) -> str:
    """The customer's own check, which a green service passes."""
    document = tomllib.loads(runbook)
    smoke = {"title": {"ru": "Smoke"}, "argv": ["true"]}
    document["environments"][ENVIRONMENT]["smoke"] = [smoke]
    return dumps(document)


def request(version: str) -> Request:
    """Ask for api."""
    return Request(
        environment="production", scenario=Scenario.SERVICE, services=("api",), version=version
    )


def done_once(made: Installation, state: RollbackState) -> None:
    """Every step has exactly one outcome, every effect an earlier intent; the end is cleaned up."""
    eventually(lambda: _cleaned_up(made, state.id), what="cleaned up")
    assert state.plan is not None
    for planned in state.plan.steps:
        about = [v for v in made.events(state.id) if getattr(v, "step", 0) == planned.number]
        outcomes = [v for v in about if isinstance(v, e.StepDone)]
        assert len(outcomes) == 1, f"step {planned.number}: {about}"
        assert isinstance(about[0], e.StepIntended)


def _cleaned_up(made: Installation, rollback: str) -> bool:
    now = made.state(rollback)
    return now is not None and now.cleaned_up()


def switch_number(state: RollbackState) -> int:
    """The number of the step that recreates the container."""
    assert state.plan is not None
    return next(s.number for s in state.plan.steps if isinstance(s.action, SwitchRelease))


def strike(
    made: Installation, project: Samokoder, version: str, kind: type[e.Event], step: int
) -> None:
    """One rollback with the worker killed once; it must end well and be done once."""
    rollback = made.ask(request(version))
    assassin = Assassin(made, "worker", rollback, kind, step)
    made.order(Approve(made.actor("anna")), rollback)
    struck_at = assassin.join()
    # The engine may be at it still: what counts is that nobody comes later.
    containers = {container.id for container in project.containers("api")}
    made.running.pop("worker").wait(timeout=60)
    made.start("worker")
    made.await_worker()
    back_at = time.monotonic()
    if (kind, step) != (e.StepDone, STEPS[-1]):
        eventually(lambda: len(made.events(rollback)) > struck_at, within_s=GOES_ON_WITHIN_S)
        assert time.monotonic() - back_at < GOES_ON_WITHIN_S
    state = made.await_status("succeeded", of=rollback)
    done_once(made, state)
    assert len(state.plan.steps if state.plan else ()) == len(STEPS)
    if kind is e.StepDone and step >= switch_number(state):
        assert project.container("api").id in containers, "it was switched a second time"
    assert project.version("api") == version


def test_worker_killed_at_every_step_boundary(
    samokoder: SamokoderFactory, installation: InstallationFactory
) -> None:
    """After every intent and after every outcome: it goes on, and nothing is done twice."""
    project = samokoder(compose_v2(), "v1.3.0", own_images=True)
    made = installation(project, edit=with_smoke, stable_s=0.5)
    made.start("bot", "worker")
    made.await_worker()
    versions = ["v1.2.3", "v1.2.2"]

    for step in STEPS:
        for kind in (e.StepIntended, e.StepDone):
            strike(made, project, versions[0], kind, step)
            versions.reverse()


@pytest.mark.parametrize("kind", [e.StepDone, pytest.param(e.StepIntended, marks=pytest.mark.long)])
def test_bot_killed_at_every_step_boundary(
    samokoder: SamokoderFactory, installation: InstallationFactory, kind: type[e.Event]
) -> None:
    """A bot's death stops no rollback; a new one shows where it stands."""
    project = samokoder(compose_v2(), "v1.3.0", own_images=True)
    made = installation(project, edit=with_smoke, stable_s=0.5)
    made.start("bot", "worker")
    made.await_worker()
    versions = ["v1.2.3", "v1.2.2"]

    for step in STEPS:
        rollback = made.ask(request(versions[0]))
        assassin = Assassin(made, "bot", rollback, kind, step)
        made.order(Approve(made.actor("anna")), rollback)
        assassin.join()
        done_once(made, made.await_status("succeeded", of=rollback))
        made.running.pop("bot").wait(timeout=60)
        made.start("bot")
        assert project.version("api") == versions[0]
        versions.reverse()
