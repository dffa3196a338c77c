"""Deadlines: a function of state and now, so there are no timers to lose."""

from __future__ import annotations

from datetime import datetime, timedelta

from commands.domain.command import Tick
from commands.domain.decide.case import Case, Decision
from commands.domain.due import work_due
from commands.domain.events import (
    Closed,
    EnvironmentEvent,
    Expired,
    RollbackClosed,
    RollbackEvent,
    WorkerBack,
    WorkerLost,
)
from commands.domain.runbook import Runbook
from commands.domain.state import RollbackState, Status

LOST_AFTER = timedelta(seconds=10)
"""No progress for so long, with work due: the job is handed to a worker again."""


def tick(case: Case, command: Tick, runbook: Runbook, now: datetime) -> Decision:
    """What time alone brings about: expiry, the end of the watch, a lost run."""
    state = case.named()
    expired = _expire(state, now)
    if expired is not None:
        return expired
    if state.succeeded and state.status is Status.SUCCEEDED and state.closed_at is None:
        return _close(state, command, runbook, now)
    return _worker(state, command, now)


def _expire(state: RollbackState, now: datetime) -> Decision | None:
    question = state.question
    if question is None or now < question.expires_at:
        return None
    if state.status is Status.APPROVED and not too_late(state, now):
        return None
    final = question.verb == "execute"
    closed: tuple[EnvironmentEvent, ...] = (
        (RollbackClosed(rollback_id=state.id, outcome=Status.EXPIRED.value),) if final else ()
    )
    return Decision(state.id, closed, (Expired(verb=question.verb),), work=final)


def too_late(state: RollbackState, now: datetime) -> bool:
    """An approval that no worker took up for as long as people had to give it is void.

    Nothing starts hours later, when nobody is watching any more.
    """
    question, approved_at = state.question, state.approved_at
    if state.status is not Status.APPROVED or question is None or approved_at is None:
        return False
    return now - approved_at >= question.expires_at - question.asked_at


def _close(state: RollbackState, command: Tick, runbook: Runbook, now: datetime) -> Decision:
    if state.ended_at is None or now < state.ended_at + watch(runbook):
        return _worker(state, command, now)
    return Decision(
        state.id, rollback=(Closed(verdict=command.watch, figure=command.watch_figure),)
    )


def watch(runbook: Runbook) -> timedelta:
    """How long a proven rollback is watched before it is closed."""
    return timedelta(seconds=runbook.timing.watch_s)


def _worker(state: RollbackState, command: Tick, now: datetime) -> Decision:
    due, told = work_due(state), state.worker_lost_at is not None
    events: tuple[RollbackEvent, ...] = ()
    why = command.job_stopped if command.worker_alive else None
    if command.worker_alive and why is None:
        events = (WorkerBack(),) if told else ()
    elif due and (not told or why != state.worker_lost_why):
        events = (WorkerLost(why=why),)
    idle = state.progressed_at is None or now - state.progressed_at >= LOST_AFTER
    return Decision(state.id, rollback=events, work=due and idle)
