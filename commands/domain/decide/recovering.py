"""Undo, retry, mark done, leave as it is: each is asked under the original's row."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from commands.domain.command import Approve, Recover, RecoveryVerb
from commands.domain.decide.approving import RECOVERY_WORDS, approve, missing_after
from commands.domain.decide.case import Case, Decision, role_titles, roles_in, row_of
from commands.domain.decide.granting import granted, must_be_latest
from commands.domain.decide.keeping import must_have_a_way_back, must_keep_something
from commands.domain.errors import RefusedError
from commands.domain.events import Approved, Asked, Noted, RollbackEvent
from commands.domain.plan import digest_of
from commands.domain.runbook import EscalationRow, Runbook
from commands.domain.state import Question, RollbackState, Status
from commands.domain.text import text

_DONE = {"abandon": "answer.abandoned", "drop_kept": "answer.dropping_kept"}
"""What the asker is told when their own yes was enough."""


def recover(case: Case, command: Recover, runbook: Runbook, now: datetime) -> Decision:
    """Open the recovery question; the asker's own yes counts where the row allows it.

    Asking for what is asked already is a yes to it. Raises RefusedError: nothing to recover, no
    right to ask, an old button, something else is asked and others have said yes to that.
    """
    state = case.named()
    _must_be_possible(case, state, command.verb)
    row = row_of(runbook, state.request.row)
    person = command.actor.person
    if not roles_in(runbook, person, (*row.may_ask, *row.roles)):
        raise RefusedError("refused.not_an_approver", roles=role_titles(runbook, row.roles))
    if command.nonce and command.nonce != recovery_digest(state, command.verb)[:12]:
        raise RefusedError("refused.plan_changed", id=state.id)
    asked = _asked(state, command, row, now, runbook)
    open_now = _open_question(state, now)
    if open_now is not None and (open_now.verb, open_now.digest) == (asked.verb, asked.digest):
        return approve(case, Approve(command.actor, open_now.nonce), runbook, now)
    if open_now is not None and set(open_now.approvals) - {person}:
        word = RECOVERY_WORDS.get(open_now.verb, open_now.verb)
        raise RefusedError("refused.already_asked", id=state.id, word=word)
    decision = _with_own_yes(case, command, asked, runbook, now)
    if not command.reason:
        return decision
    why = Noted(person=person, words=command.reason)
    return replace(decision, rollback=(*decision.rollback, why))


def _open_question(state: RollbackState, now: datetime) -> Question | None:
    question = state.question
    return question if question is not None and now < question.expires_at else None


def _must_be_possible(case: Case, state: RollbackState, verb: RecoveryVerb) -> None:
    if verb == "drop_kept":
        must_keep_something(state)
        return
    if verb == "undo" and state.status is Status.SUCCEEDED:
        must_be_latest(case)
        must_have_a_way_back(state)
        return
    if verb == "undo" and state.direction == "back" and not state.status.ended:
        raise RefusedError("refused.already_undoing", id=state.id)
    if verb == "undo" and state.status.moving:
        raise RefusedError("refused.stop_first", id=state.id)
    if not state.status.waits_for_people:
        raise RefusedError("refused.nothing_to_recover", id=state.id, status=state.status.value)
    if verb == "mark_done" and state.status is Status.STOPPED:
        raise RefusedError("refused.nothing_to_mark", id=state.id)


def recovery_digest(state: RollbackState, verb: RecoveryVerb) -> str:
    """What people decide on: plan, verb, and the exact point where it stands."""
    blocked = state.blocked()
    step = blocked.number if blocked else 0
    attempt = state.record(step).attempt
    return digest_of([state.plan_digest, verb, step, attempt, state.direction, state.status.value])


def _asked(
    state: RollbackState, command: Recover, row: EscalationRow, now: datetime, runbook: Runbook
) -> Asked:
    blocked = state.blocked()
    return Asked(
        verb=command.verb,
        step=blocked.number if blocked else None,
        row=state.request.row,
        roles=row.roles,
        self_approval=row.self_approval,
        by=command.actor.person,
        digest=recovery_digest(state, command.verb),
        expires_at=now + runbook.expiry(state.request.row),
    )


def _with_own_yes(
    case: Case, command: Recover, asked: Asked, runbook: Runbook, now: datetime
) -> Decision:
    state, person = case.named(), command.actor.person
    roles = roles_in(runbook, person, asked.roles)
    waiting = text("answer.recovery_asked", id=state.id, roles=role_titles(runbook, asked.roles))
    if not roles or not asked.self_approval:
        return Decision(state.id, rollback=(asked,), answer=waiting)
    yes = Approved(
        person=person,
        identity=command.actor.identity,
        roles=roles,
        digest=asked.digest,
        evidence_digest=state.evidence.digest(),
    )
    question = Question.of(asked, now)
    said: tuple[RollbackEvent, ...] = (asked, yes)
    if missing := missing_after(question, yes):
        left = role_titles(runbook, missing)
        waiting = text("answer.recovery_waiting", id=state.id, roles=left)
        return Decision(state.id, rollback=said, answer=waiting)
    environment, follow = granted(case, question, (person,))
    key = _DONE.get(command.verb, "answer.recovering")
    return Decision(state.id, environment, (*said, *follow), text(key, id=state.id), work=True)
