"""Approvals: each role of the row is a slot, one person fills one slot."""

from __future__ import annotations

from datetime import datetime

from commands.domain.command import Actor, Approve, Deny, Withdraw
from commands.domain.decide.asking import slot_must_allow
from commands.domain.decide.case import Case, Decision, name_of, role_titles, roles_in
from commands.domain.decide.granting import granted
from commands.domain.errors import RefusedError
from commands.domain.events import (
    Approved,
    Denied,
    EnvironmentEvent,
    RollbackClosed,
    SlotClaimed,
    Withdrawn,
)
from commands.domain.people import RoleId
from commands.domain.runbook import Runbook
from commands.domain.state import Question, RollbackState, Status, match_slots
from commands.domain.text import text

RECOVERY_WORDS = {
    "undo": "undo",
    "retry": "retry",
    "mark_done": "done",
    "abandon": "cancel",
    "drop_kept": "drop-kept",
}
"""What people type for each recovery verb, after `/rollback`."""


def approve(case: Case, command: Approve, runbook: Runbook, now: datetime) -> Decision:
    """One person's yes. A second one of the same person changes nothing.

    Raises RefusedError: no question, old button, expired, no such role, own request, slot held,
    or typed words that do not say what they approve.
    """
    state = case.named()
    question = open_question(state, command.nonce, now)
    roles = may_fill(question, command.actor, runbook)
    if command.actor.person in question.approvals:
        return Decision(state.id, answer=text("answer.already_approved", id=state.id))
    if state.status is Status.APPROVED:
        # Fifty clicks at once: whoever comes after the row was filled decides nothing.
        return Decision(state.id, answer=text("answer.enough", id=state.id))
    if not command.nonce:
        _words_must_be_clear(state, question)
    event = Approved(
        person=command.actor.person,
        identity=command.actor.identity,
        roles=roles,
        digest=question.digest,
        evidence_digest=state.evidence.digest(),
    )
    missing = missing_after(question, event)
    if missing:
        return Decision(
            state.id,
            rollback=(event,),
            answer=text(
                "answer.approved_waiting", id=state.id, roles=role_titles(runbook, missing)
            ),
        )
    people = tuple(dict.fromkeys((*question.approvals, command.actor.person)))
    environment, follow = granted(case, question, people)
    return Decision(
        state.id,
        environment=environment or _claim(case, question, runbook),
        rollback=(event, *follow),
        answer=text(_approved_key(question), id=state.id),
        work=True,
    )


def _approved_key(question: Question) -> str:
    keys = {"abandon": "answer.approved_abandon", "drop_kept": "answer.dropping_kept"}
    return keys.get(question.verb, "answer.approved")


def _words_must_be_clear(state: RollbackState, question: Question) -> None:
    """`approve RB-1` may have been typed for another question than the one that is open now."""
    if word := RECOVERY_WORDS.get(question.verb):
        raise RefusedError("refused.typed_recovery", id=state.id, word=word)
    if state.plan_changes:
        raise RefusedError("refused.typed_changed", id=state.id)


def deny(case: Case, command: Deny, runbook: Runbook, now: datetime) -> Decision:
    """An approver's no: final for the request; a recovery question is just closed."""
    state = case.named()
    question = open_question(state, command.nonce, now)
    if not roles_in(runbook, command.actor.person, question.roles):
        raise RefusedError("refused.not_an_approver", roles=role_titles(runbook, question.roles))
    final = question.verb == "execute"
    closed: tuple[EnvironmentEvent, ...] = (
        (RollbackClosed(rollback_id=state.id, outcome=Status.DENIED.value),) if final else ()
    )
    return Decision(
        state.id,
        environment=closed,
        rollback=(Denied(person=command.actor.person, reason=command.reason),),
        answer=text(_denied_key(state, command), id=state.id),
        work=final,
    )


def _denied_key(state: RollbackState, command: Deny) -> str:
    if state.status.waits_for_people:
        return "answer.denied_half_done"
    return "answer.denied" if command.reason else "answer.denied_silent"


def withdraw(case: Case, command: Withdraw, runbook: Runbook, now: datetime) -> Decision:
    """Take one's own approval back; possible until execution starts."""
    state = case.named()
    question = state.question
    if question is None or command.actor.person not in question.approvals:
        raise RefusedError("refused.nothing_to_withdraw", id=state.id)
    return Decision(
        state.id,
        rollback=(Withdrawn(person=command.actor.person),),
        answer=text("answer.withdrawn", id=state.id),
    )


def open_question(state: RollbackState, nonce: str, now: datetime) -> Question:
    """The question people may answer now.

    Raises RefusedError: none is open, it has expired, or the button is of another question.
    """
    question = state.question
    if question is None and state.status is Status.REHEARSED:
        raise RefusedError("refused.rehearsed", id=state.id)
    if question is None:
        raise RefusedError("refused.no_question", id=state.id)
    if nonce and nonce != question.nonce:
        raise RefusedError("refused.plan_changed", id=state.id)
    if now >= question.expires_at:
        raise RefusedError(_expired_key(state, question), id=state.id)
    return question


def _expired_key(state: RollbackState, question: Question) -> str:
    if state.status.waits_for_people:
        return "refused.expired_half_done"
    if question.verb == "drop_kept":
        return "refused.expired_drop_kept"
    return "refused.expired" if question.verb == "execute" else "refused.expired_undo"


def may_fill(question: Question, actor: Actor, runbook: Runbook) -> tuple[RoleId, ...]:
    """The slots this person may fill. Raises RefusedError with the reason and who may."""
    roles = roles_in(runbook, actor.person, question.roles)
    if not roles:
        raise RefusedError("refused.not_an_approver", roles=role_titles(runbook, question.roles))
    if actor.person == question.by and not question.self_approval:
        raise RefusedError(
            "refused.own_request",
            person=name_of(runbook, actor.person),
            roles=role_titles(runbook, question.roles),
        )
    return roles


def missing_after(question: Question, event: Approved) -> tuple[RoleId, ...]:
    """The roles that would still wait after this approval."""
    held = {p: a.roles for p, a in question.approvals.items()}
    filled = match_slots(question.roles, {**held, event.person: event.roles})
    return tuple(role for role in question.roles if role not in filled)


def _claim(case: Case, question: Question, runbook: Runbook) -> tuple[EnvironmentEvent, ...]:
    state, holder = case.named(), case.environment.holder()
    if question.verb != "execute" or holder is None or holder.id == state.id:
        return ()
    slot_must_allow(case.environment, state.request, runbook)
    return (SlotClaimed(rollback_id=state.id),)
