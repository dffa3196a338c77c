"""Fold a rollback's events into its state."""

from __future__ import annotations

from datetime import datetime

from commands.domain import events as e
from commands.domain.state import fold_database, fold_people, fold_steps
from commands.domain.state.rollback import RollbackState

_BY_KIND = fold_people.folds.by_kind | fold_steps.folds.by_kind | fold_database.folds.by_kind


def fold(state: RollbackState | None, event: e.Event, at: datetime) -> RollbackState:
    """The state after one more event. The first event of a journal is `Requested`.

    Raises ValueError when a journal begins with anything else: it was cut.
    """
    if state is None:
        if not isinstance(event, e.Requested):
            raise ValueError(f"a rollback's journal begins with requested, not {event}")
        return _begin(event, at)
    _BY_KIND[type(event)](state, event, at)
    state.position += 1
    return state


def _begin(event: e.Requested, at: datetime) -> RollbackState:
    return RollbackState(
        id=event.rollback_id,
        number=event.number,
        request=event.request,
        requester=event.requester,
        identity=event.identity,
        home=event.home,
        homes=(event.home,),
        runbook_digest=event.runbook_digest,
        requested_at=at,
        progressed_at=at,
    )
