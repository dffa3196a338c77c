"""A mistake of our own in a step or a survey stops a rollback in front of people, not for ever."""

from __future__ import annotations

import pytest

from commands.domain import events as e
from commands.domain.state import Status
from tests.unit.workers.database_office import DatabaseOffice
from tests.unit.workers.office import EGOR, IVAN

SECRET = "canary-2b1f"


def mistaken(*_: object, **__: object) -> object:
    raise ValueError(f"invalid literal for int(): '1.0' {SECRET}")


def test_a_mistake_in_the_effect_is_in_doubt_and_can_be_undone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """How far it got is not known: people decide, and Undo brings everything back."""
    office = DatabaseOffice()
    rollback = office.prepared()
    with monkeypatch.context() as patched:
        patched.setattr(type(office.place.tool), "run", mistaken)
        office.approve(rollback, EGOR, IVAN)
        state = office.drive(rollback)

    assert state.status is Status.IN_DOUBT
    assert state.reason is not None
    assert (state.reason.key, state.reason.params) == ("doubt.unforeseen", {"kind": "ValueError"})
    assert SECRET not in repr(office.events(rollback))
    assert office.undone(rollback).status is Status.UNDONE


@pytest.mark.parametrize(
    ("method", "ended"), [("clone", Status.IN_DOUBT), ("integrity", Status.NOT_PREPARED)]
)
def test_every_question_of_a_step_is_guarded(
    monkeypatch: pytest.MonkeyPatch, method: str, ended: Status
) -> None:
    """In preparation it ends the rollback before anybody is bothered; later people decide."""
    office = DatabaseOffice()
    place = office.place
    monkeypatch.setattr(type(place.server), method, mistaken)
    rollback = office.prepared()
    if ended is not Status.NOT_PREPARED:
        office.approve(rollback, EGOR, IVAN)

    assert office.drive(rollback).status is ended


def test_a_mistake_while_planning_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    """The asker hears that there is no plan, and that it is not their words."""
    office = DatabaseOffice()
    monkeypatch.setattr(office, "plan", mistaken)
    rollback = office.prepared()

    state = office.state(rollback)
    assert state.status is Status.REFUSED
    (refused,) = [event for event in office.events(rollback) if isinstance(event, e.PlanRefused)]
    assert refused.reason.key == "error.unforeseen"


def test_a_mistake_while_a_kept_database_is_dropped_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It stays, people hear why, and it may be asked for again."""
    office = DatabaseOffice()
    rollback = office.carried_out().id
    monkeypatch.setattr(type(office.place.server), "drop", mistaken)
    office.recover(rollback, "drop_kept", EGOR)
    office.approve(rollback, IVAN)

    state = office.drive(rollback)

    assert state.drop_kept_failed is not None
    assert state.drop_kept_failed.key == "error.unforeseen"
    assert not state.kept_dropped
