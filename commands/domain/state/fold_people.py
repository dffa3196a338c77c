"""Fold what people asked, decided and were told, and how it ended."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from commands.domain import events as e
from commands.domain.plan import Evidence
from commands.domain.state.folds import Folds
from commands.domain.state.question import Question
from commands.domain.state.rollback import RollbackState
from commands.domain.state.status import Status

folds: Folds[RollbackState] = Folds()


@folds(e.Requested)
def _requested(state: RollbackState, event: e.Requested, at: datetime) -> None:
    raise ValueError(f"{state.id} was requested twice")


@folds(e.Joined)
def _joined(state: RollbackState, event: e.Joined, at: datetime) -> None:
    if event.person not in (state.requester, *state.joined):
        state.joined += (event.person,)
    if event.home not in state.homes:
        state.homes += (event.home,)


@folds(e.Planned)
def _planned(state: RollbackState, event: e.Planned, at: datetime) -> None:
    state.plan, state.plan_digest = event.plan, event.digest
    state.planned_at, state.plan_seconds, state.progressed_at = at, event.seconds, at
    state.steps, state.evidence, state.question = {}, Evidence(), None
    state.rehearsal_skipped_by = None
    dry = event.plan.request.dry_run
    state.status = Status.REHEARSED if dry else Status.PLANNED
    state.ended_at = at if dry else None


@folds(e.PlanRefused)
def _plan_refused(state: RollbackState, event: e.PlanRefused, at: datetime) -> None:
    state.reason = event.reason
    _end(state, Status.REFUSED, at)


@folds(e.PlanChanged)
def _plan_changed(state: RollbackState, event: e.PlanChanged, at: datetime) -> None:
    state.status, state.question, state.approved = Status.REQUESTED, None, None
    state.plan_changes, state.progressed_at = event.changes, at


@folds(e.EvidenceFound)
def _evidence(state: RollbackState, event: e.EvidenceFound, at: datetime) -> None:
    found = {item.name: item for item in (*state.evidence.items, *event.items)}
    state.evidence = Evidence(items=tuple(found[name] for name in sorted(found)))


@folds(e.Asked)
def _asked(state: RollbackState, event: e.Asked, at: datetime) -> None:
    state.question = Question.of(event, at)


@folds(e.Approved)
def _approved(state: RollbackState, event: e.Approved, at: datetime) -> None:
    if state.question is None:
        return
    state.question = replace(state.question, approvals=state.question.with_approval(event, at))
    if state.question.verb == "execute" and not state.question.missing:
        state.status, state.approved, state.approved_at = Status.APPROVED, state.question, at
        state.progressed_at = at


@folds(e.Withdrawn)
def _withdrawn(state: RollbackState, event: e.Withdrawn, at: datetime) -> None:
    if state.question is None:
        return
    left = {p: a for p, a in state.question.approvals.items() if p != event.person}
    state.question = replace(state.question, approvals=left)
    if state.status is Status.APPROVED and not state.question.missing:
        # More people than needed had approved: the others' approvals still fill the row.
        state.approved = state.question
        return
    _unapprove(state)


@folds(e.ApprovalsVoided)
def _voided(state: RollbackState, event: e.ApprovalsVoided, at: datetime) -> None:
    state.evidence = event.evidence
    question = state.question
    if question is None:
        return
    if question.approvals:
        state.plan_changes, state.progressed_at = (event.reason,), at
    state.question = replace(question, approvals={}, voided=question.voided + 1)
    _unapprove(state)


@folds(e.Refused)
def _refused(state: RollbackState, event: e.Refused, at: datetime) -> None:
    state.refusals += 1


@folds(e.Denied)
def _denied(state: RollbackState, event: e.Denied, at: datetime) -> None:
    if state.status.undecided:
        state.deny_reason, state.ended_by = event.reason, event.person
        _end(state, Status.DENIED, at)
    state.question = None


@folds(e.Expired)
def _expired(state: RollbackState, event: e.Expired, at: datetime) -> None:
    if event.verb == "execute":
        _end(state, Status.EXPIRED, at)
    state.question = None


@folds(e.Ticked)
def _ticked(state: RollbackState, event: e.Ticked, at: datetime) -> None:
    if event.done:
        state.ticks[event.point] = (event.person, at)
    else:
        state.ticks.pop(event.point, None)


@folds(e.Noted)
def _noted(state: RollbackState, event: e.Noted, at: datetime) -> None:
    state.notes += ((event.person, event.words, at),)


@folds(e.Cancelled)
def _cancelled(state: RollbackState, event: e.Cancelled, at: datetime) -> None:
    state.ended_by, state.reason = event.person, event.reason
    _end(state, Status.CANCELLED, at)


@folds(e.Superseded)
def _superseded(state: RollbackState, event: e.Superseded, at: datetime) -> None:
    state.superseded_by = event.by_rollback
    _end(state, Status.SUPERSEDED, at)


@folds(e.Succeeded)
def _succeeded(state: RollbackState, event: e.Succeeded, at: datetime) -> None:
    state.proof, state.checks, state.succeeded = event.proof, event.checks, True
    _end(state, Status.SUCCEEDED, at)


@folds(e.Undone)
def _undone(state: RollbackState, event: e.Undone, at: datetime) -> None:
    state.proof = event.proof
    _end(state, Status.UNDONE, at)


@folds(e.Closed)
def _closed(state: RollbackState, event: e.Closed, at: datetime) -> None:
    state.closed_at, state.watch_verdict, state.watch_figure = at, event.verdict, event.figure


@folds(e.WorkerLost)
def _worker_lost(state: RollbackState, event: e.WorkerLost, at: datetime) -> None:
    state.worker_lost_at, state.worker_lost_why = at, event.why


@folds(e.WorkerBack)
def _worker_back(state: RollbackState, event: e.WorkerBack, at: datetime) -> None:
    state.worker_lost_at, state.worker_lost_why = None, None


@folds(e.Posted)
def _posted(state: RollbackState, event: e.Posted, at: datetime) -> None:
    state.posted[event.key] = event.message


@folds(e.PostLost)
def _post_lost(state: RollbackState, event: e.PostLost, at: datetime) -> None:
    state.posted.pop(event.key, None)
    if event.moved_to:
        state.moved[event.key] = event.moved_to


def _end(state: RollbackState, status: Status, at: datetime) -> None:
    state.status, state.ended_at, state.progressed_at, state.question = status, at, at, None


def _unapprove(state: RollbackState) -> None:
    if state.status is Status.APPROVED:
        state.status, state.approved, state.approved_at = Status.PLANNED, None, None
