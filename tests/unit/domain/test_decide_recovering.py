"""After a failure, a stop or a success: retry, mark done, undo, leave as it is."""

from __future__ import annotations

import pytest

from commands.domain import command as c
from commands.domain import events as e
from commands.domain.due import Work, due
from commands.domain.errors import RefusedError
from commands.domain.people import Scenario
from commands.domain.state import Status
from tests.unit.domain.office import ANNA, BORIS, EGOR, IVAN, VERA, Office


def failed(office: Office) -> str:
    rollback = office.ask(ANNA)
    office.approve(rollback, ANNA)
    office.start(rollback)
    office.fail(rollback)
    return rollback


def test_a_failure_waits_for_people_and_keeps_the_slot() -> None:
    """Nothing goes on by itself, and nobody else may start."""
    office = Office()
    rollback = failed(office)

    assert office.state(rollback).status is Status.FAILED
    assert due(office.state(rollback)) is None
    assert office.environment.slot is not None


def test_retry_by_the_row_goes_on_with_the_same_step() -> None:
    """On-call's own yes fills the API row: the failed step is due again."""
    office = Office()
    rollback = failed(office)

    office.order(c.Recover(office.actor(ANNA), "retry"), rollback)

    work = due(office.state(rollback))
    assert work is not None
    assert (work.work, work.step and work.step.number) == (Work.STEP, 2)


def test_a_retry_keeps_the_first_captured_state() -> None:
    """What ran before the first attempt is what an undo goes back to."""
    office = Office()
    rollback = failed(office)
    office.order(c.Recover(office.actor(ANNA), "retry"), rollback)

    office.append(rollback, e.StepIntended(step=2, attempt=2, before={"api": "half"}))

    assert office.state(rollback).record(2).before == {"api": "sha256:api-old"}


def test_mark_done_closes_the_step() -> None:
    """People looked and say so; their names stand in the record."""
    office = Office()
    rollback = failed(office)

    office.order(c.Recover(office.actor(BORIS), "mark_done"), rollback)

    assert office.state(rollback).record(2).marked_by == (BORIS,)
    work = due(office.state(rollback))
    assert work is not None
    assert work.work is Work.FINISH


def test_undo_walks_back_over_what_was_touched() -> None:
    """Undo of a failed rollback reverts its steps from the last to the first."""
    office = Office()
    rollback = failed(office)

    office.order(c.Recover(office.actor(ANNA), "undo"), rollback)

    work = due(office.state(rollback))
    assert work is not None
    assert (work.work, work.step and work.step.number) == (Work.REVERT, 2)


def test_leaving_it_as_it_is_frees_the_slot() -> None:
    """Cancel after a failure is `abandon`: by the row, and others may go on."""
    office = Office()
    rollback = failed(office)

    office.order(c.Cancel(office.actor(ANNA)), rollback)

    assert office.state(rollback).status is Status.CANCELLED
    assert office.environment.slot is None


def test_undo_of_a_success_takes_the_slot_again() -> None:
    """A proven rollback can be undone while it is the latest."""
    office = Office()
    rollback = office.ask(ANNA)
    office.approve(rollback, ANNA)
    office.start(rollback)
    office.succeed(rollback)

    office.order(c.Recover(office.actor(ANNA), "undo"), rollback)

    assert office.state(rollback).status is Status.UNDOING
    assert office.environment.slot is not None
    assert rollback in office.environment.open


def test_only_the_latest_can_be_undone() -> None:
    """Undoing an older one would bring back what a newer one replaced."""
    office = Office()
    done = []
    for version in ("v1.2.3", "v1.2.2"):
        rollback = office.ask(ANNA, version=version)
        office.approve(rollback, ANNA)
        office.start(rollback)
        office.succeed(rollback)
        done.append(rollback)

    with pytest.raises(RefusedError) as refused:
        office.order(c.Recover(office.actor(ANNA), "undo"), done[0])

    assert refused.value.key == "refused.undo_not_latest"


def test_recovery_of_a_full_rollback_needs_its_row() -> None:
    """Undo of a full rollback asks Incident Commander and CTO again."""
    office = Office()
    rollback = office.ask(ANNA, Scenario.FULL)
    for person in (EGOR, IVAN):
        office.approve(rollback, person)
    office.start(rollback)
    office.fail(rollback)

    office.order(c.Recover(office.actor(ANNA), "undo"), rollback)
    assert office.state(rollback).status is Status.FAILED
    office.approve(rollback, EGOR)
    office.approve(rollback, IVAN)

    assert office.state(rollback).status is Status.UNDOING


def test_a_stranger_may_not_recover() -> None:
    """Somebody without a role of the row cannot even ask."""
    office = Office()
    rollback = failed(office)
    office.without_role(VERA, "devops_lead")

    with pytest.raises(RefusedError):
        office.order(c.Recover(office.actor(VERA), "retry"), rollback)


def test_stop_finishes_the_step_then_asks() -> None:
    """A stop during a step is due only when the step has its outcome."""
    office = Office()
    rollback = office.ask(ANNA)
    office.approve(rollback, ANNA)
    office.start(rollback)
    office.append(rollback, e.StepIntended(step=2))

    office.order(c.Stop(office.actor(ANNA)), rollback)
    during = due(office.state(rollback))
    office.append(rollback, e.StepDone(step=2, seconds=1))
    after = due(office.state(rollback))

    assert during is not None
    assert during.work is Work.STEP
    assert after is not None
    assert after.work is Work.STOP


def test_unfreezing_needs_the_row_that_froze() -> None:
    """Deploys stay frozen after a rollback until its row lets them go on."""
    office = Office()
    rollback = office.ask(ANNA)
    office.approve(rollback, ANNA)
    office.start(rollback)
    office.succeed(rollback)
    assert office.environment.freeze is not None

    with pytest.raises(RefusedError):
        office.order(c.UnfreezeDeploys(office.actor(VERA)))
    office.order(c.UnfreezeDeploys(office.actor(BORIS)))

    assert office.environment.freeze is None


def test_a_second_undo_is_told_where_the_first_one_stands() -> None:
    """Under way it is said to be under way; once walked back there is nothing to walk back."""
    office = Office()
    rollback = failed(office)
    office.order(c.Recover(office.actor(ANNA), "undo"), rollback)

    with pytest.raises(RefusedError) as again:
        office.order(c.Recover(office.actor(ANNA), "undo"), rollback)
    office.append(rollback, e.Undone())
    with pytest.raises(RefusedError) as afterwards:
        office.order(c.Recover(office.actor(ANNA), "undo"), rollback)

    keys = [error.value.text.key for error in (again, afterwards)]
    assert keys == ["refused.already_undoing", "refused.nothing_to_recover"]


def test_why_somebody_wants_it_back_is_kept() -> None:
    """`undo RB-1 "…"`: the reason stands beside the question, and in the record."""
    office = Office()
    rollback = failed(office)

    office.order(c.Recover(office.actor(ANNA), "undo", reason="v1.2.3 loses sessions"), rollback)

    assert [(person, words) for person, words, _ in office.state(rollback).notes] == [
        (ANNA, "v1.2.3 loses sessions")
    ]
