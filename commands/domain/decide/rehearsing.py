"""An approver goes on without the rehearsal. The backup and its proof are never skipped."""

from __future__ import annotations

from datetime import datetime

from commands.domain.command import SkipRehearsal
from commands.domain.decide.approving import may_fill
from commands.domain.decide.case import Case, Decision
from commands.domain.errors import RefusedError
from commands.domain.events import RehearsalSkipped
from commands.domain.plan import Phase, PlannedStep, RehearseMigration
from commands.domain.runbook import Runbook
from commands.domain.state import RollbackState, StepStatus
from commands.domain.text import text

NONCE = 12
"""How much of the plan's digest a button carries."""


def skip(case: Case, command: SkipRehearsal, runbook: Runbook, now: datetime) -> Decision:
    """Who may approve the rollback may skip its rehearsal while it is not done.

    Raises RefusedError: nothing to rehearse, done already, too late, an old button, no right.
    """
    state = case.named()
    if state.rehearsal_skipped_by is not None:
        return Decision(state.id, answer=text("answer.rehearsal_skipped", id=state.id))
    _must_be_open(state)
    question = state.question or state.approved
    if question is None or (command.nonce and command.nonce != skip_nonce(state)):
        raise RefusedError("refused.plan_changed", id=state.id)
    may_fill(question, command.actor, runbook)
    return Decision(
        state.id,
        rollback=(RehearsalSkipped(person=command.actor.person, reason=command.reason),),
        answer=text("answer.rehearsal_skipped", id=state.id),
        work=True,
    )


def skip_nonce(state: RollbackState) -> str:
    """What the button carries: the plan whose rehearsal is meant."""
    return state.plan_digest[:NONCE]


def can_skip(state: RollbackState) -> bool:
    """Whether there is a rehearsal that is not done, before production changes."""
    if not state.status.undecided or state.rehearsal_skipped_by is not None:
        return False
    return any(state.record(s.number).status is not StepStatus.DONE for s in _rehearsals(state))


def _must_be_open(state: RollbackState) -> None:
    if not _rehearsals(state):
        raise RefusedError("refused.no_rehearsal", id=state.id)
    if not can_skip(state):
        raise RefusedError("refused.rehearsal_over", id=state.id)


def _rehearsals(state: RollbackState) -> tuple[PlannedStep, ...]:
    prepared = state.planned(Phase.PREPARE)
    return tuple(step for step in prepared if isinstance(step.action, RehearseMigration))
