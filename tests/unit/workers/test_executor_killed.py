"""A worker that dies anywhere: the next one goes on, and every effect happens once."""

from __future__ import annotations

import pytest

from commands.domain import events as e
from commands.domain.people import Scenario
from commands.domain.state import RollbackState, Status
from tests.unit.planner.world import request
from tests.unit.steps.world import NEW, OLD, world
from tests.unit.workers.office import ANNA, EGOR, IVAN, Killed, Office

FORWARD, BACK, WIDE = 44, 32, 56
"""How many points a walk has; the tests fail when the walks grow beyond them."""


def kill() -> None:
    raise Killed


def killed(office: Office, rollback: str, at: int) -> tuple[bool, RollbackState]:
    """Drive with the worker killed at a point; whether it was, and how the next one left it."""
    office.points.at, office.points.passed, office.points.happens = at, 0, kill
    try:
        office.worker().drive(rollback)
    except Killed:
        office.points.at = 0
        return True, office.drive(rollback)
    return False, office.state(rollback)


def once(office: Office, rollback: str) -> bool:
    """Whether every step has one outcome, after an intent, in each direction."""
    outcomes: list[tuple[int, str]] = []
    intended: set[tuple[int, str]] = set()
    for event in office.events(rollback):
        if isinstance(event, e.StepIntended):
            intended.add((event.step, event.direction))
        if isinstance(event, e.StepDone | e.StepFailed | e.StepInDoubt):
            assert (event.step, event.direction) in intended
            outcomes.append((event.step, event.direction))
    return len(outcomes) == len(set(outcomes))


@pytest.mark.parametrize("at", range(1, FORWARD + 1))
def test_killed_before_or_after_any_call(at: int) -> None:
    """Between any two calls: planned once, switched once, every step done once, proven."""
    office = Office()
    rollback = office.ask()

    struck, state = killed(office, rollback, at)
    if not struck:
        office.approve(rollback)
        struck, state = killed(office, rollback, at - office.points.passed)
    if state.status is Status.PLANNED:
        office.points.at = 0
        office.approve(rollback)
        state = office.drive(rollback)

    assert struck
    assert state.status is Status.SUCCEEDED
    assert office.recreated == [f"api {OLD}"]
    assert once(office, rollback)
    assert office.book().environment().slot is None


def test_the_points_are_all_there() -> None:
    """The walk has exactly as many points as the campaigns above strike."""
    office = Office()

    rollback = office.done()
    assert office.points.passed == FORWARD
    office.recover(rollback, "undo")
    office.drive(rollback)

    assert office.points.passed == FORWARD + BACK


@pytest.mark.parametrize("at", range(1, BACK + 1))
@pytest.mark.parametrize("proven", [True, False])
def test_killed_while_walking_back(at: int, proven: bool) -> None:
    """An undo, of a proven rollback or of a stopped one, survives it too and ends as it was."""
    office = Office()
    rollback = office.done() if proven else stopped_after_switch(office)
    office.recreated.clear()
    office.recover(rollback, "undo")

    struck, state = killed(office, rollback, at)

    assert struck or not proven  # There is less to walk back after a stop.
    assert state.status is Status.UNDONE
    assert office.recreated == [f"api {NEW}"]
    assert once(office, rollback)
    assert office.book().environment().slot is None


def stopped_after_switch(office: Office) -> str:
    """Somebody stops it when the release is switched."""
    rollback = office.approved()
    office.points.once["before compose"] = lambda: office.write(rollback, e.StopAsked(person=ANNA))
    assert office.drive(rollback).status is Status.STOPPED
    return rollback


@pytest.mark.parametrize("at", range(1, WIDE + 1, 3))
def test_killed_in_a_full_rollback(at: int) -> None:
    """Three services by one Compose call: each is recreated once, wherever the worker died."""
    office = Office(world("api", "worker", "frontend"))
    asked = request("api", "worker", "frontend", scenario=Scenario.FULL)
    rollback = office.ask(asked)
    office.drive(rollback)
    office.approve(rollback, EGOR, IVAN)

    _, state = killed(office, rollback, at)

    assert state.status is Status.SUCCEEDED
    assert sorted(office.recreated) == [f"{s} {OLD}" for s in ("api", "frontend", "worker")]
    assert once(office, rollback)


@pytest.mark.parametrize("after", [0, 1, 2])
def test_compose_killed_between_two_services(after: int) -> None:
    """Some services switched, some not: the probe says partial, and doing it again heals it."""
    office = Office(world("api", "worker", "frontend"))
    engine = office.world.engine
    rollback = office.approved(request("api", "worker", "frontend", scenario=Scenario.FULL))
    deploy = engine.start

    def start(service: str, image: object) -> object:
        if len(office.recreated) >= after:
            raise Killed
        return deploy(service, image)  # type: ignore[arg-type]

    engine.start = start  # type: ignore[method-assign, assignment]
    with pytest.raises(Killed):
        office.drive(rollback)
    engine.start = deploy  # type: ignore[method-assign]

    state = office.drive(rollback)

    assert state.status is Status.SUCCEEDED
    assert len(office.recreated) == len(set(office.recreated)) == 3
    probed = [x.found for x in office.events(rollback) if isinstance(x, e.StepProbed)]
    assert probed == ["partial" if after else "untouched"]


def test_the_next_worker_first_ends_what_the_dead_one_left_running() -> None:
    """A step that has no outcome: what may still run inside Docker is settled before the probe."""
    office = Office()
    rollback = office.approved()

    office.points.once["after compose"] = kill
    with pytest.raises(Killed):
        office.drive(rollback)
    assert office.settled == 0
    office.drive(rollback)

    assert office.settled == 1


def test_a_worker_that_is_told_to_stop_ends_between_two_steps() -> None:
    """SIGTERM: the step under way gets its outcome, the next worker goes on (case 29)."""
    office = Office()
    rollback = office.approved()

    office.points.once["before compose"] = lambda: setattr(office, "stopping", True)
    state = office.drive(rollback)
    office.stopping = False

    assert not state.in_flight
    assert state.status is Status.EXECUTING
    assert office.drive(rollback).status is Status.SUCCEEDED
    assert office.recreated == [f"api {OLD}"]
