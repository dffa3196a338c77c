"""Fold what people and the worker said of the database: a rehearsal skipped, kept copies let go."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from commands.domain import events as e
from commands.domain.plan import Phase, RehearseMigration
from commands.domain.state.folds import Folds
from commands.domain.state.rollback import RollbackState
from commands.domain.state.status import StepStatus
from commands.domain.text import text

folds: Folds[RollbackState] = Folds()


@folds(e.RehearsalSkipped)
def _skipped(state: RollbackState, event: e.RehearsalSkipped, at: datetime) -> None:
    """The step counts as done: whatever a rehearsal under way still says decides nothing."""
    state.rehearsal_skipped_by, state.progressed_at = event.person, at
    state.rehearsal_skipped_why = event.reason
    for step in state.planned(Phase.PREPARE):
        record = state.record(step.number)
        if isinstance(step.action, RehearseMigration) and record.status is not StepStatus.DONE:
            said = text("db.rehearsal_skipped", person=event.person)
            state.steps[step.number] = replace(
                record, status=StepStatus.DONE, ended_at=at, detail=said, error=None
            )


@folds(e.DropKeptOrdered)
def _ordered(state: RollbackState, event: e.DropKeptOrdered, at: datetime) -> None:
    state.drop_kept_by, state.drop_kept_failed = event.people, None
    # Who granted it is checked once more where it is dropped.
    state.granted, state.question, state.progressed_at = state.question, None, at


@folds(e.KeptDropped)
def _dropped(state: RollbackState, event: e.KeptDropped, at: datetime) -> None:
    state.progressed_at, state.drop_kept_failed = at, event.failed
    if event.failed is None:
        state.kept_dropped = True
    else:
        # What could not be dropped is still there: it may be asked for again.
        state.drop_kept_by = ()
