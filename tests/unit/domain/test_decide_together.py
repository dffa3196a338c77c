"""Two people and one recovery question; and a freeze that two rollbacks share."""

from __future__ import annotations

import pytest

from commands.domain import command as c
from commands.domain import events as e
from commands.domain.errors import RefusedError
from commands.domain.people import Scenario
from commands.domain.state import Status
from tests.unit.domain.office import ANNA, EGOR, IVAN, ZOYA, Office, shipped


def failed_full(office: Office) -> str:
    """A full rollback, half-way."""
    rollback = office.ask(ANNA, Scenario.FULL)
    for person in (EGOR, IVAN):
        office.approve(rollback, person)
    office.start(rollback)
    office.fail(rollback)
    return rollback


@pytest.mark.parametrize("by_button", [True, False])
@pytest.mark.parametrize("verb", ["undo", "retry", "mark_done", "abandon"])
def test_asking_for_what_is_asked_is_a_yes(verb: c.RecoveryVerb, by_button: bool) -> None:
    """Both press the same button of the card, or type it: the row is filled."""
    office = Office()
    rollback = failed_full(office)

    first = office.order(c.Recover(office.actor(EGOR), verb), rollback)
    question = office.state(rollback).question
    assert question is not None
    nonce = question.nonce if by_button else ""
    office.order(c.Recover(office.actor(IVAN), verb, nonce), rollback)

    assert first.answer.key == "answer.recovery_waiting"
    assert first.answer.params["roles"] == ("CTO",)
    assert not office.state(rollback).status.waits_for_people
    asked = [x for x in office.said[rollback] if isinstance(x, e.Asked) and x.verb == verb]
    assert len(asked) == 1


def test_asking_twice_is_one_yes() -> None:
    """The same person, or another of the same role, fills no second slot."""
    office = Office()
    rollback = failed_full(office)

    for person in (EGOR, EGOR, ZOYA):
        office.order(c.Recover(office.actor(person), "undo"), rollback)

    assert office.state(rollback).status is Status.FAILED


def test_joining_an_own_question_obeys_the_table() -> None:
    """Where the row forbids self-approval, asking again is no yes; somebody else's is."""
    office = Office(runbook=shipped(full={"self_approval": False}))
    rollback = office.ask(ANNA, Scenario.FULL)
    for person in (EGOR, IVAN):
        office.approve(rollback, person)
    office.start(rollback)
    office.fail(rollback)
    office.order(c.Recover(office.actor(EGOR), "undo"), rollback)

    with pytest.raises(RefusedError) as refused:
        office.order(c.Recover(office.actor(EGOR), "undo"), rollback)
    office.order(c.Recover(office.actor(IVAN), "undo"), rollback)

    assert refused.value.key == "refused.own_request"
    question = office.state(rollback).question
    assert question is not None
    assert set(question.approvals) == {IVAN}


@pytest.mark.parametrize("person", [ANNA, IVAN])
def test_another_verb_wipes_nobodys_yes(person: str) -> None:
    """What Egor has said yes to stays the question until somebody denies it."""
    office = Office()
    rollback = failed_full(office)
    office.order(c.Recover(office.actor(EGOR), "retry"), rollback)

    with pytest.raises(RefusedError) as refused:
        office.order(c.Recover(office.actor(person), "undo"), rollback)
    denied = office.order(c.Deny(office.actor(IVAN)), rollback)
    office.order(c.Recover(office.actor(person), "undo"), rollback)

    assert refused.value.key == "refused.already_asked"
    assert refused.value.text.params["word"] == "retry"
    assert denied.answer.key == "answer.denied_half_done"
    question = office.state(rollback).question
    assert question is not None
    assert question.verb == "undo"


def test_one_may_think_better_of_ones_own_question() -> None:
    """Only one's own yes is lost with it."""
    office = Office()
    rollback = failed_full(office)
    office.order(c.Recover(office.actor(EGOR), "retry"), rollback)

    office.order(c.Recover(office.actor(EGOR), "undo"), rollback)

    question = office.state(rollback).question
    assert question is not None
    assert question.verb == "undo"


def test_words_that_do_not_say_what_approve_no_recovery() -> None:
    """`approve RB-1` is told what is asked and how to say yes to it."""
    office = Office()
    rollback = failed_full(office)
    office.order(c.Recover(office.actor(EGOR), "abandon"), rollback)

    with pytest.raises(RefusedError) as refused:
        office.order(c.Approve(office.actor(IVAN)), rollback)
    approved = office.approve(rollback, IVAN)

    assert refused.value.key == "refused.typed_recovery"
    assert refused.value.text.params["word"] == "cancel"
    assert approved.answer.key == "answer.approved_abandon"


def test_a_recovery_question_that_expired_leaves_it_waiting() -> None:
    """Too late: the answer says that production is half done still."""
    office = Office()
    rollback = failed_full(office)
    office.order(c.Recover(office.actor(EGOR), "undo"), rollback)
    office.later(minutes=31)

    with pytest.raises(RefusedError) as refused:
        office.approve(rollback, IVAN)

    assert refused.value.key == "refused.expired_half_done"


def test_a_later_api_rollback_does_not_loosen_a_full_ones_freeze() -> None:
    """Deploys stay frozen until the wider of the two rows lets them go on."""
    office = Office()
    full, api = office.ask(ANNA, Scenario.FULL), office.ask(ANNA)
    office.append(full, environment=(e.Frozen(rollback_id=full),))
    office.append(api, environment=(e.Frozen(rollback_id=api),))

    with pytest.raises(RefusedError):
        office.order(c.UnfreezeDeploys(office.actor(ANNA)))

    assert office.environment.freeze is not None
    assert office.environment.freeze.rollback_id == full


def test_a_wider_rollback_tightens_a_freeze_and_keeps_its_reason() -> None:
    """A person froze with a reason, then a full rollback did: its row, their reason."""
    office = Office()
    office.order(c.FreezeDeploys(office.actor(ANNA), "release night"))
    full = office.ask(ANNA, Scenario.FULL)
    office.append(full, environment=(e.Frozen(rollback_id=full),))

    freeze = office.environment.freeze
    assert freeze is not None
    assert (freeze.person, freeze.reason, freeze.rollback_id) == (ANNA, "release night", full)
