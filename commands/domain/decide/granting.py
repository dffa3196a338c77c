"""What follows at once when a recovery question's row is filled."""

from __future__ import annotations

from commands.domain.decide.case import Case
from commands.domain.decide.keeping import must_have_a_way_back, must_keep_something
from commands.domain.errors import RefusedError
from commands.domain.events import (
    Cancelled,
    DropKeptOrdered,
    EnvironmentEvent,
    RetryOrdered,
    RollbackClosed,
    RollbackEvent,
    SlotReleased,
    SlotTaken,
    StepMarkedDone,
    UndoStarted,
)
from commands.domain.people import PersonId
from commands.domain.state import Question, Status

Events = tuple[tuple[EnvironmentEvent, ...], tuple[RollbackEvent, ...]]


def granted(case: Case, question: Question, people: tuple[PersonId, ...]) -> Events:
    """The events of a granted question; none for `execute`, which the worker starts itself.

    Raises RefusedError when another rollback holds the slot that an undo needs, or has changed
    production since.
    """
    state = case.named()
    step = question.step or 0
    match question.verb:
        case "retry":
            return (), (RetryOrdered(step=step, people=people),)
        case "mark_done":
            marked = StepMarkedDone(step=step, direction=state.direction, people=people)
            return (), (marked,)
        case "undo":
            must_be_latest(case)
            must_have_a_way_back(state)
            return _slot_for(case), (UndoStarted(people=people),)
        case "drop_kept":
            must_keep_something(state)
            return (), (DropKeptOrdered(people=people),)
        case "abandon":
            return _leave(state.id), (Cancelled(person=people[-1]),)
        case _:
            return (), ()


def must_be_latest(case: Case) -> None:
    """Undoing an older one would bring back what a newer one replaced. Raises RefusedError."""
    state, latest = case.named(), case.environment.last_changed_by
    if state.status is Status.SUCCEEDED and latest != state.id:
        raise RefusedError("refused.undo_not_latest", id=state.id, latest=latest)


def _slot_for(case: Case) -> tuple[EnvironmentEvent, ...]:
    state, slot = case.named(), case.environment.slot
    if slot is None:
        return (SlotTaken(rollback_id=state.id),)
    if slot.rollback_id != state.id:
        raise RefusedError("refused.slot_held_by", id=slot.rollback_id)
    return ()


def _leave(rollback_id: str) -> tuple[EnvironmentEvent, ...]:
    return (
        SlotReleased(rollback_id=rollback_id),
        RollbackClosed(rollback_id=rollback_id, outcome=Status.CANCELLED.value),
    )
