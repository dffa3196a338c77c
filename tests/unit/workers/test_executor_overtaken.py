"""An undo that comes after somebody else's deploy: theirs is never overwritten unasked."""

from __future__ import annotations

from typing import NoReturn

import pytest

from commands.domain import events as e
from commands.domain.errors import EngineError
from commands.domain.people import Scenario
from commands.domain.state import RollbackState, Status, StepStatus
from tests.unit.planner.world import request
from tests.unit.steps.engine import pin_of
from tests.unit.steps.world import NEW, OLD, world
from tests.unit.workers.office import EGOR, IVAN, Killed, Office

NEWER = "v1.3.1"
FULL = request("api", "worker", "frontend", scenario=Scenario.FULL)


def deploy(office: Office, service: str, *, pinned: bool = True, started: bool = True) -> None:
    """The pipeline's deploy of a newer release, after the rollback was done."""
    w = office.world
    if pinned:
        w.files.write_pin(pin_of(w.book, service, NEWER), "")
    if started:
        w.engine.deployed(service, NEWER)
    office.recreated.clear()


def ask_undo(office: Office, rollback: str) -> None:
    """Everybody whom the row needs says so."""
    if office.state(rollback).request.row == "api":
        office.recover(rollback, "undo")
    else:
        office.recover(rollback, "undo", EGOR)
        office.approve(rollback, IVAN)


def undone(office: Office, rollback: str) -> RollbackState:
    """Ask for the undo, and let a worker try."""
    ask_undo(office, rollback)
    return office.drive(rollback)


def went_back(office: Office, rollback: str) -> list[int]:
    """The steps whose way back was begun."""
    events = office.events(rollback)
    return [x.step for x in events if isinstance(x, e.StepIntended) and x.direction == "back"]


@pytest.mark.parametrize(
    ("pinned", "started", "key"),
    [
        (True, True, "step.switched_since"),
        (False, True, "step.switched_since"),
        (True, False, "step.pinned_since"),
    ],
)
def test_a_newer_deploy_is_not_overwritten(pinned: bool, started: bool, key: str) -> None:
    """Whatever the deploy changed, an undo leaves it, says what it found, and asks people."""
    office = Office()
    rollback = office.done()
    deploy(office, "api", pinned=pinned, started=started)
    files = dict(office.world.files.files)

    state = undone(office, rollback)

    assert (state.status, state.direction) == (Status.IN_DOUBT, "back")
    assert state.reason is not None
    assert state.reason.key == key
    assert state.reason.params["found"] == NEWER
    assert office.recreated == []
    assert office.world.files.files == files
    assert went_back(office, rollback) == []


@pytest.mark.parametrize("service", ["api", "worker", "frontend"])
def test_one_service_of_three_is_enough_to_stop_before_the_first(service: str) -> None:
    """All steps are looked at before any is walked back: nothing is half undone."""
    office = Office(world("api", "worker", "frontend"))
    rollback = office.done(FULL)
    deploy(office, service, pinned=False)

    assert undone(office, rollback).status is Status.IN_DOUBT

    others = {s for s in ("api", "worker", "frontend") if s != service}
    assert office.world.versions() == dict.fromkeys(others, OLD) | {service: NEWER}
    assert went_back(office, rollback) == []


def test_it_goes_on_when_people_put_it_right_or_is_left_as_it_is() -> None:
    """A retry looks again: in doubt while the newer one runs, undone when it is gone."""
    office = Office()
    rollback = office.done()
    deploy(office, "api", pinned=False)
    assert undone(office, rollback).status is Status.IN_DOUBT

    office.recover(rollback, "retry")
    assert office.drive(rollback).status is Status.IN_DOUBT
    office.world.engine.deployed("api", OLD)
    office.recover(rollback, "retry")

    assert office.drive(rollback).status is Status.UNDONE
    assert office.world.versions() == {"api": NEW}


def test_left_as_it_is_the_newer_one_runs_and_the_slot_is_free() -> None:
    """People decide for the deploy: the undo ends without an effect."""
    office = Office()
    rollback = office.done()
    deploy(office, "api")
    assert undone(office, rollback).status is Status.IN_DOUBT

    office.recover(rollback, "abandon")

    assert office.drive(rollback).status.ended
    assert office.world.versions() == {"api": NEWER}
    assert office.book().environment().slot is None


def test_marked_done_is_reverted_on_a_persons_word_and_never_proven() -> None:
    """Each step is taken as it is, none has an effect, and the read-back does not say undone."""
    office = Office()
    rollback = office.done()
    deploy(office, "api")
    state = undone(office, rollback)

    while state.status is Status.IN_DOUBT:
        blocked = state.blocked()
        assert blocked is not None
        office.recover(rollback, "mark_done")
        state = office.drive(rollback)
        assert state.record(blocked.number).status is StepStatus.REVERTED

    assert state.status is Status.FAILED
    assert state.reason is not None
    assert state.reason.key == "check.wrong_digest"
    assert office.world.versions() == {"api": NEWER}
    assert office.recreated == []


def test_what_was_never_captured_is_not_walked_back() -> None:
    """The engine was away before the switch: an undo takes the pin back and stops no service."""
    office = Office()
    rollback = office.approved()
    engine = office.world.engine
    running = engine.running

    def away(*_: object) -> NoReturn:
        raise EngineError(why="away")

    office.points.once["after write_pin"] = lambda: setattr(engine, "running", away)
    assert office.drive(rollback).status is Status.FAILED
    engine.running = running  # type: ignore[method-assign]

    assert undone(office, rollback).status is Status.UNDONE
    assert office.world.versions() == {"api": NEW}
    assert office.recreated == []


@pytest.mark.parametrize("at", range(1, 64, 2))
def test_an_undo_of_mixed_versions_resumes_wherever_it_was_killed(at: int) -> None:
    """What the way back itself left half done is not taken for somebody else's deploy."""
    w = world("api", "worker", "frontend")
    w.engine.publish(w.engine.image("worker", "v1.2.9"))
    w.engine.deployed("worker", "v1.2.9")
    before = w.versions()
    office = Office(w)
    rollback = office.done(FULL)
    ask_undo(office, rollback)

    def kill() -> NoReturn:
        raise Killed

    office.points.at, office.points.passed, office.points.happens = at, 0, kill
    try:
        office.worker().drive(rollback)
    except Killed:
        office.points.at = 0

    assert office.drive(rollback).status is Status.UNDONE
    assert office.world.versions() == before
