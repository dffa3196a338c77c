"""Asking: who may, joining, numbers, the slot."""

from __future__ import annotations

import pytest

from commands.domain import command as c
from commands.domain.errors import RefusedError
from commands.domain.people import Scenario
from commands.domain.state import Status
from tests.unit.domain.office import ANNA, BORIS, EGOR, GLEB, HOME, IVAN, Office, request


def test_a_request_gets_the_next_number() -> None:
    """Numbers count up, one journal each."""
    office = Office()

    first = office.ask(ANNA)
    office.order(c.Cancel(office.actor(ANNA)), first)
    second = office.ask(ANNA)

    assert (first, second) == ("RB-1", "RB-2")


def test_somebody_without_the_right_is_refused() -> None:
    """The row says who may ask; everybody else is told who may."""
    office = Office()

    with pytest.raises(RefusedError) as refused:
        office.ask(GLEB)

    assert refused.value.key == "refused.may_not_ask"
    assert not office.rollbacks


def test_the_same_target_joins() -> None:
    """A second person who asks for the same joins the open rollback."""
    office = Office()
    first = office.ask(ANNA)

    second = office.ask(BORIS)

    assert second == first
    assert office.state(first).joined == (BORIS,)


def test_another_target_is_told_who_holds_the_slot() -> None:
    """While one executes, another target is refused with the holder and since when."""
    office = Office()
    first = office.ask(ANNA)
    office.approve(first, ANNA)
    office.start(first)

    with pytest.raises(RefusedError) as refused:
        office.ask(BORIS, version="v1.2.2")

    assert refused.value.key == "refused.slot_held"
    assert refused.value.facts["id"] == first


def test_a_dry_run_may_be_asked_while_the_slot_is_held() -> None:
    """Looking never waits."""
    office = Office()
    first = office.ask(ANNA)
    office.approve(first, ANNA)
    office.start(first)
    dry = request(version="v1.2.2").model_copy(update={"dry_run": True})

    decision = office.order(c.Ask(office.actor(GLEB), dry, HOME))

    assert decision.rollback_id == "RB-2"


def test_a_full_rollback_may_be_asked_over_a_smaller_one() -> None:
    """Asked at once; it takes the slot over only after its row is filled."""
    office = Office()
    small = office.ask(ANNA)
    office.approve(small, ANNA)
    office.start(small)

    full = office.ask(BORIS, Scenario.FULL)
    office.approve(full, EGOR)
    assert office.environment.claimed_by == ""
    office.approve(full, IVAN)

    assert office.environment.claimed_by == full
    assert office.state(full).status is Status.APPROVED


def test_a_missing_row_refuses() -> None:
    """No row in the escalation table means refused, never allowed."""
    office = Office()
    rows = {k: v for k, v in office.runbook.escalation.items() if k != "api"}
    office.runbook = office.runbook.model_copy(update={"escalation": rows})

    with pytest.raises(RefusedError) as refused:
        office.ask(ANNA)

    assert refused.value.key == "refused.no_row"
