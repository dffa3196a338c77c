"""Somebody writes between two calls of the worker: nothing is lost, nothing done on old news."""

from __future__ import annotations

from dataclasses import replace
from typing import NoReturn

import pytest

from commands.domain import command as c
from commands.domain import events as e
from commands.domain.errors import ConfigFileError, RefusedError, StoreUnavailableError
from commands.domain.people import Scenario
from commands.domain.state import Status
from tests.unit.planner.world import request
from tests.unit.steps.world import NEW, OLD, released, world
from tests.unit.workers.office import ANNA, API, EGOR, IVAN, Office

FULL = request("api", "worker", "frontend", scenario=Scenario.FULL)
NOTE = e.Noted(person=ANNA, words="5xx still at 12 %")


def disk_full() -> NoReturn:
    raise ConfigFileError(path=".env", why="disk full")


@pytest.mark.parametrize("at", range(1, 45))
def test_a_note_between_any_two_calls(at: int) -> None:
    """Whoever writes in between, the worker reads it and goes on: one switch, proven."""
    office = Office()
    rollback = office.ask()
    office.points.at = at
    office.points.happens = lambda: office.write(rollback, NOTE)

    office.drive(rollback)
    office.approve(rollback)
    state = office.drive(rollback)

    assert state.status is Status.SUCCEEDED
    assert len(state.notes) == 1
    assert office.recreated == [f"api {OLD}"]


@pytest.mark.parametrize("at", range(1, 45))
def test_a_stop_between_any_two_calls(at: int) -> None:
    """A stop is heard before the next effect; going on afterwards repeats nothing."""
    office = Office()
    rollback = office.approved()
    office.points.passed = 0

    def stop() -> None:
        if office.state(rollback).status.moving:
            office.order(c.Stop(office.actor(ANNA)), rollback)

    office.points.at, office.points.happens = at, stop
    state = office.drive(rollback)
    effects = [ev for ev in after_stop(office, rollback) if isinstance(ev, e.StepIntended)]
    assert not effects
    if state.status is Status.STOPPED:
        office.recover(rollback, "retry")
        state = office.drive(rollback)

    assert state.status is Status.SUCCEEDED
    assert office.recreated == [f"api {OLD}"]


def after_stop(office: Office, rollback: str) -> list[e.AnyEvent]:
    """What was begun between the stop and the worker's answer to it."""
    events = office.events(rollback)
    asked = next((n for n, ev in enumerate(events) if isinstance(ev, e.StopAsked)), len(events))
    until = next((n for n, ev in enumerate(events) if isinstance(ev, e.Stopped)), len(events))
    return events[asked:until]


@pytest.mark.parametrize("at", range(1, 9))
def test_cancelled_while_it_is_prepared(at: int) -> None:
    """Cancelled at any point before approval: it ends so, and what was pulled is removed."""
    office = Office()
    rollback = office.ask()
    office.points.at = at
    office.points.happens = lambda: office.order(c.Cancel(office.actor(ANNA)), rollback)

    office.drive(rollback)
    state = office.drive(rollback)

    assert state.status is Status.CANCELLED
    assert f"registry:5000/samokoder-api:{OLD}" not in office.world.engine.here
    assert not office.book().environment().open
    assert office.recreated == []


def test_a_pull_that_fails_after_a_cancel_changes_no_ending() -> None:
    """What people decided stands, whatever the step under way comes to."""
    office = Office()
    rollback = office.ask()
    office.points.once["before pull"] = lambda: office.order(c.Cancel(office.actor(ANNA)), rollback)
    office.world.engine.published.clear()
    office.world.engine.publish(released("api", NEW))
    office.world.engine.publish(released("api", OLD))
    office.points.once["before append"] = office.world.engine.published.clear

    state = office.drive(rollback)

    assert state.status is Status.CANCELLED
    assert state.reason is None
    assert office.book().environment().outcomes == {rollback: "cancelled"}


def test_what_cannot_be_prepared_is_closed_and_can_be_asked_again() -> None:
    """A failed pull ends the rollback; the next request is a new one and joins no dead one."""
    office = Office()
    first = office.ask()
    office.points.once["before append"] = office.world.engine.published.clear

    assert office.drive(first).status is Status.NOT_PREPARED
    office.world.engine.publish(released("api", OLD))
    second = office.ask()

    assert (first, second) == ("RB-1", "RB-2")
    assert office.book().environment().outcomes == {first: "not_prepared"}


def test_an_engine_that_is_away_ends_in_a_question() -> None:
    """The switch fails, nothing was recreated; retried when the engine is back, it is proven."""
    office = Office()
    rollback = office.approved()
    office.world.engine.exit_code = 1

    assert office.drive(rollback).status is Status.FAILED
    assert office.state(rollback).reason is not None
    office.world.engine.exit_code = 0
    office.recover(rollback, "retry")

    assert office.drive(rollback).status is Status.SUCCEEDED
    assert office.recreated == [f"api {OLD}"]


def test_a_failed_undo_can_be_retried() -> None:
    """Walking back fails half-way: people are asked, and a retry ends where it began."""
    office = Office()
    rollback = office.done()
    office.recover(rollback, "undo")
    office.world.engine.exit_code = 1

    assert office.drive(rollback).status is Status.FAILED
    with pytest.raises(RefusedError):
        office.recover(rollback, "undo")
    office.world.engine.exit_code = 0
    office.recover(rollback, "retry")

    assert office.drive(rollback).status is Status.UNDONE
    assert office.world.versions() == {"api": NEW}


def test_a_strangers_release_is_left_to_people() -> None:
    """After a crash another digest runs than before or after: in doubt, and nothing is done."""
    office = Office()
    rollback = office.approved()

    def killed_and_redeployed() -> None:
        office.world.engine.becomes("api", image_id="sha256:stranger", repo_digests=())
        raise KeyboardInterrupt

    office.points.once["before compose"] = killed_and_redeployed
    with pytest.raises(KeyboardInterrupt):
        office.drive(rollback)
    office.recreated.clear()

    assert office.drive(rollback).status is Status.IN_DOUBT
    assert office.recreated == []
    office.recover(rollback, "undo")
    assert office.drive(rollback).status is Status.IN_DOUBT
    assert office.recreated == []
    office.world.engine.deployed("api", NEW)
    office.recover(rollback, "retry")
    assert office.drive(rollback).status is Status.UNDONE
    assert office.world.versions() == {"api": NEW}


@pytest.mark.parametrize("verb", ["retry", "mark_done", "undo", "abandon"])
def test_every_way_out_of_doubt(verb: c.RecoveryVerb) -> None:
    """Each of the four buttons leads on; none leaves the slot held."""
    office = Office()
    rollback = office.approved()
    office.points.once["before write_pin"] = disk_full
    assert office.drive(rollback).status is Status.FAILED

    office.recover(rollback, verb)
    state = office.drive(rollback)

    assert state.status.ended or state.status is Status.FAILED
    if state.status is Status.FAILED:  # Marked done without the pin: Compose runs another image.
        office.recover(rollback, "abandon")
    assert office.book().environment().slot is None
    assert not office.book().environment().open


@pytest.mark.parametrize("approved", [False, True])
def test_a_journal_that_is_away_says_nothing_of_the_plan(approved: bool) -> None:
    """Neither refused nor changed by the store's silence: it goes on when the journal is back."""
    office = Office()
    rollback = office.approved() if approved else office.ask()
    worker, length = office.worker(), len(office.events(rollback))

    def away(*_: object) -> NoReturn:
        raise StoreUnavailableError(why="away")

    with pytest.raises(StoreUnavailableError):
        replace(worker, planning=replace(worker.planning, survey=away)).drive(rollback)

    assert len(office.events(rollback)) == length
    assert office.drive(rollback).status is (Status.SUCCEEDED if approved else Status.PLANNED)


def test_a_smaller_rollback_gives_way_between_two_steps() -> None:
    """An approved full one takes the slot over; the smaller one has ended, and stays so."""
    office = Office(world("api", "worker", "frontend"))
    small = office.approved(API)
    office.world.engine.exit_code = 1
    assert office.drive(small).status is Status.FAILED
    office.world.engine.exit_code = 0

    full = office.done(FULL)

    assert office.state(full).status in (Status.SUCCEEDED, Status.PLANNED)
    if office.state(full).status is Status.PLANNED:  # The smaller one had moved the pin.
        office.approve(full, EGOR, IVAN)
        office.drive(full)
    assert office.state(full).status is Status.SUCCEEDED
    assert office.drive(small).status is Status.SUPERSEDED
    with pytest.raises(RefusedError):
        office.recover(small, "retry")
