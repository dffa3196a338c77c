"""Fold the events of execution: intents, outcomes, stops and undos."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from commands.domain import events as e
from commands.domain.plan import (
    AwaitHealthy,
    Phase,
    RehearseMigration,
    StartDependants,
    SwitchRelease,
)
from commands.domain.state.folds import Folds
from commands.domain.state.rollback import RollbackState
from commands.domain.state.status import Status, StepStatus

folds: Folds[RollbackState] = Folds()


@folds(e.ExecutionStarted)
def _started(state: RollbackState, event: e.ExecutionStarted, at: datetime) -> None:
    state.status, state.started_at, state.progressed_at = Status.EXECUTING, at, at
    state.approvers, state.executed_evidence = event.approvers, event.evidence_digest
    state.question = None


@folds(e.StepIntended)
def _intended(state: RollbackState, event: e.StepIntended, at: datetime) -> None:
    record = state.record(event.step)
    forward = event.direction == "forward"
    state.steps[event.step] = replace(
        record,
        status=StepStatus.RUNNING if forward else StepStatus.REVERTING,
        attempt=event.attempt,
        # The first captured state is the one to come back to; a retry must not overwrite it.
        before=record.before or event.before,
        started_at=at,
        ended_at=None,
        seconds=None,
        error=None,
    )
    state.progressed_at, state.worker_lost_at, state.unchecked = at, None, False
    if forward and _phase(state, event.step) is Phase.VERIFY:
        state.status = Status.VERIFYING


@folds(e.StepProbed)
def _probed(state: RollbackState, event: e.StepProbed, at: datetime) -> None:
    state.steps[event.step] = replace(state.record(event.step), taken_up=True)
    state.progressed_at, state.worker_lost_at = at, None


@folds(e.StepDone)
def _done(state: RollbackState, event: e.StepDone, at: datetime) -> None:
    if _skipped(state, event.step):
        return
    forward = event.direction == "forward"
    state.steps[event.step] = replace(
        state.record(event.step),
        status=StepStatus.DONE if forward else StepStatus.REVERTED,
        ended_at=at,
        seconds=event.seconds,
        detail=event.detail,
        proof=event.proof,
    )
    state.progressed_at, state.worker_lost_at = at, None
    if forward and state.plan:
        _note_times(state, event.step, at)


@folds(e.StepFailed)
def _failed(state: RollbackState, event: e.StepFailed, at: datetime) -> None:
    forward = event.direction == "forward"
    if _skipped(state, event.step):
        return
    state.steps[event.step] = replace(
        state.record(event.step),
        status=StepStatus.FAILED if forward else StepStatus.REVERT_FAILED,
        ended_at=at,
        seconds=event.seconds,
        error=event.error,
    )
    state.progressed_at = at
    phase = _phase(state, event.step)
    if phase is Phase.PREPARE and state.status.ended:
        # People ended it while the step ran: what they decided stands.
        return
    state.reason, state.stop_asked_by = event.error, None
    if phase is Phase.PREPARE:
        state.status, state.ended_at, state.question = Status.NOT_PREPARED, at, None
    elif phase is not Phase.CLEAN_UP:
        state.status = Status.FAILED


@folds(e.StepInDoubt)
def _in_doubt(state: RollbackState, event: e.StepInDoubt, at: datetime) -> None:
    state.steps[event.step] = replace(
        state.record(event.step), status=StepStatus.IN_DOUBT, ended_at=at, error=event.why
    )
    state.status, state.progressed_at, state.reason = Status.IN_DOUBT, at, event.why
    state.stop_asked_by = None


@folds(e.StepMarkedDone)
def _marked(state: RollbackState, event: e.StepMarkedDone, at: datetime) -> None:
    forward = event.direction == "forward"
    state.steps[event.step] = replace(
        state.record(event.step),
        status=StepStatus.DONE if forward else StepStatus.REVERTED,
        ended_at=at,
        marked_by=event.people,
        error=None,
    )
    _go_on(state, at)


@folds(e.RetryOrdered)
def _retried(state: RollbackState, event: e.RetryOrdered, at: datetime) -> None:
    record = state.record(event.step)
    # Walking back, a step that was touched stays touched: only its revert is tried again.
    again = StepStatus.PENDING if state.direction == "forward" else StepStatus.DONE
    if record.status in (StepStatus.FAILED, StepStatus.IN_DOUBT, StepStatus.REVERT_FAILED):
        state.steps[event.step] = replace(record, status=again, error=None)
    _go_on(state, at)


@folds(e.StopAsked)
def _stop_asked(state: RollbackState, event: e.StopAsked, at: datetime) -> None:
    state.stop_asked_by = event.person


@folds(e.Stopped)
def _stopped(state: RollbackState, event: e.Stopped, at: datetime) -> None:
    state.status, state.progressed_at = Status.STOPPED, at
    state.reason, state.unchecked = event.why, False


@folds(e.UndoStarted)
def _undo(state: RollbackState, event: e.UndoStarted, at: datetime) -> None:
    state.direction, state.undo_people, state.ended_at = "back", event.people, None
    state.closed_at = None
    _go_on(state, at)


def _go_on(state: RollbackState, at: datetime) -> None:
    state.status = Status.UNDOING if state.direction == "back" else Status.EXECUTING
    state.granted, state.unchecked = state.question, True
    state.question, state.reason, state.progressed_at = None, None, at
    state.stop_asked_by = None


def _phase(state: RollbackState, step: int) -> Phase:
    return state.plan.step(step).phase if state.plan else Phase.PREPARE


def _skipped(state: RollbackState, number: int) -> bool:
    """Whether people decided to go on without this rehearsal: then its failure decides nothing."""
    action = state.plan.step(number).action if state.plan else None
    return state.rehearsal_skipped_by is not None and isinstance(action, RehearseMigration)


def _note_times(state: RollbackState, number: int, at: datetime) -> None:
    action = state.plan.step(number).action if state.plan else None
    if isinstance(action, SwitchRelease | StartDependants):
        state.switched_at = at
    if isinstance(action, AwaitHealthy):
        state.healthy_at = at
