"""Approvals: slots, persons, digests, expiry."""

from __future__ import annotations

import pytest

from commands.domain import command as c
from commands.domain import events as e
from commands.domain.errors import RefusedError
from commands.domain.people import Scenario
from commands.domain.state import Status
from commands.domain.text import text
from tests.unit.domain.office import ANNA, BORIS, EGOR, IVAN, VERA, ZOYA, Office, shipped


def test_on_call_may_approve_their_own_api_rollback() -> None:
    """The API row allows self-approval."""
    office = Office()
    rollback = office.ask(ANNA)

    office.approve(rollback, ANNA)

    assert office.state(rollback).status is Status.APPROVED


def test_a_full_rollback_waits_for_both_roles() -> None:
    """One of two roles is not enough; the missing one is named."""
    office = Office()
    rollback = office.ask(ANNA, Scenario.FULL)

    decision = office.approve(rollback, EGOR)

    assert decision.answer.key == "answer.approved_waiting"
    assert decision.answer.params["roles"] == ("CTO",)
    assert office.state(rollback).status is Status.PLANNED


def test_two_people_of_one_role_fill_one_slot() -> None:
    """Two Incident Commanders are not a CTO."""
    office = Office()
    rollback = office.ask(ANNA, Scenario.FULL)

    office.approve(rollback, EGOR)
    office.approve(rollback, ZOYA)

    assert office.state(rollback).status is Status.PLANNED


def test_one_person_on_two_platforms_fills_one_slot() -> None:
    """Somebody with both roles is still one person, whichever account they use."""
    office = Office()
    both = office.runbook.roles["cto"].model_copy(update={"members": (EGOR,)})
    roles = {**office.runbook.roles, "cto": both}
    office.runbook = office.runbook.model_copy(update={"roles": roles})
    rollback = office.ask(ANNA, Scenario.FULL)

    office.approve(rollback, EGOR, "slack")
    office.approve(rollback, EGOR, "telegram")

    assert office.state(rollback).status is Status.PLANNED


def test_a_second_click_changes_nothing() -> None:
    """Two clicks of one person fill one slot, whichever arrives first."""
    office = Office()
    rollback = office.ask(ANNA, Scenario.FULL)
    office.approve(rollback, EGOR)

    again = office.approve(rollback, EGOR)

    assert again.empty
    assert again.answer.key == "answer.already_approved"


def test_own_request_is_refused_where_the_table_forbids_it() -> None:
    """Case 13: the requester may not fill a slot of a row without self-approval."""
    office = Office(runbook=shipped(full={"self_approval": False}))
    rollback = office.ask(EGOR, Scenario.FULL)

    with pytest.raises(RefusedError) as refused:
        office.approve(rollback, EGOR)

    assert refused.value.key == "refused.own_request"


def test_a_stranger_to_the_row_is_refused() -> None:
    """A role of another row approves nothing here."""
    office = Office()
    rollback = office.ask(ANNA)

    with pytest.raises(RefusedError) as refused:
        office.approve(rollback, VERA)

    assert refused.value.key == "refused.not_an_approver"


def test_an_old_button_never_decides_a_new_plan() -> None:
    """A button carries the start of its plan's digest."""
    office = Office()
    rollback = office.ask(ANNA)

    with pytest.raises(RefusedError) as refused:
        office.order(c.Approve(office.actor(ANNA), nonce="0123456789ab"), rollback)

    assert refused.value.key == "refused.plan_changed"


def test_words_do_not_approve_a_plan_that_has_changed() -> None:
    """`approve RB-1`, typed for the plan that was shown first, is sent to the new card."""
    office = Office()
    rollback = office.ask(ANNA)
    office.append(rollback, e.PlanChanged(old_digest="a", new_digest="b", changes=(text("x"),)))
    office.plan(rollback)

    with pytest.raises(RefusedError) as refused:
        office.order(c.Approve(office.actor(ANNA)), rollback)
    office.approve(rollback, ANNA)

    assert refused.value.key == "refused.typed_changed"
    assert office.state(rollback).status is Status.APPROVED


def test_words_approve_a_plan_that_never_changed() -> None:
    """There is one question it can mean."""
    office = Office()
    rollback = office.ask(ANNA)

    office.order(c.Approve(office.actor(ANNA)), rollback)

    assert office.state(rollback).status is Status.APPROVED


def test_a_dry_run_is_not_approved() -> None:
    """Somebody who tries is told what it was."""
    office = Office()
    rollback = office.ask(ANNA)
    office.state(rollback).status, office.state(rollback).question = Status.REHEARSED, None

    with pytest.raises(RefusedError) as refused:
        office.approve(rollback, ANNA)

    assert refused.value.key == "refused.rehearsed"


def test_the_plans_own_button_decides() -> None:
    """The nonce of the open question is accepted."""
    office = Office()
    rollback = office.ask(ANNA)
    question = office.state(rollback).question
    assert question is not None

    office.order(c.Approve(office.actor(ANNA), nonce=question.nonce), rollback)

    assert office.state(rollback).status is Status.APPROVED


def test_an_expired_request_has_no_effect() -> None:
    """Case 18: too late is refused, and the clock ends it."""
    office = Office()
    rollback = office.ask(ANNA)
    office.later(minutes=31)

    with pytest.raises(RefusedError):
        office.approve(rollback, ANNA)
    office.order(c.Tick(), rollback)

    assert office.state(rollback).status is Status.EXPIRED
    assert rollback not in office.environment.open


def test_an_approval_that_no_worker_took_up_is_void() -> None:
    """Hours later, when nobody is watching any more, nothing starts."""
    office = Office()
    rollback = office.ask(ANNA)
    office.later(minutes=20)
    office.approve(rollback, ANNA)
    office.later(minutes=29)
    office.order(c.Tick(), rollback)
    assert office.state(rollback).status is Status.APPROVED

    office.later(minutes=2)
    office.order(c.Tick(), rollback)

    assert office.state(rollback).status is Status.EXPIRED


def test_an_approval_can_be_withdrawn() -> None:
    """Until execution starts, an approver may take the yes back."""
    office = Office()
    rollback = office.ask(ANNA)
    office.approve(rollback, BORIS)

    office.order(c.Withdraw(office.actor(BORIS)), rollback)

    assert office.state(rollback).status is Status.PLANNED


def test_a_denial_is_final() -> None:
    """After a no, a yes is refused."""
    office = Office()
    rollback = office.ask(ANNA)
    office.order(c.Deny(office.actor(BORIS), "not now"), rollback)

    with pytest.raises(RefusedError):
        office.approve(rollback, ANNA)

    assert office.state(rollback).status is Status.DENIED


def test_a_full_question_on_a_held_slot_is_refused_for_an_equal() -> None:
    """An approved full rollback does not supersede another full one."""
    office = Office()
    first = office.ask(ANNA, Scenario.FULL)
    second = office.ask(BORIS, Scenario.FULL, version="v1.2.2")
    for person in (EGOR, IVAN):
        office.approve(first, person)
    office.start(first)
    office.approve(second, EGOR)

    with pytest.raises(RefusedError) as refused:
        office.approve(second, IVAN)

    assert refused.value.key == "refused.slot_held"
