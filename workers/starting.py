"""The gate before the first changing step: approvals re-derived, plan compared, slot taken."""

from __future__ import annotations

from commands.domain.decide.asking import may_supersede
from commands.domain.decide.case import roles_in
from commands.domain.decide.clock import too_late
from commands.domain.errors import RollbotError, StoreError
from commands.domain.events import (
    Cancelled,
    ExecutionStarted,
    Expired,
    PlanChanged,
    RollbackClosed,
    RollbackEvent,
    SlotReleased,
    SlotTaken,
    Superseded,
    Withdrawn,
)
from commands.domain.people import PersonId, RoleId
from commands.domain.plan import Plan
from commands.domain.runbook import Runbook
from commands.domain.state import Question, RollbackState, Status, match_slots
from commands.domain.text import Text, text
from commands.store.book import Book
from commands.store.witness import Witness
from workers.planning import Planning


def start(book: Book, planning: Planning, state: RollbackState, witness: Witness) -> None:
    """Begin execution, or say why not: too late, a role gone, the plan changed, the slot held."""
    if too_late(state, planning.clock.now()):
        book.environment()
        expired = RollbackClosed(rollback_id=state.id, outcome=Status.EXPIRED.value)
        book.append(state, Expired(verb="execute"), environment=(expired,))
        return
    gone = no_longer_entitled(state, planning.runbook)
    hindered: list[RollbackEvent] = [Withdrawn(person=person, by_rule=True) for person in gone]
    # Both at once: where the runbook gives the decision to others now, the new plan asks them.
    if changed := _plan_changed(book, planning, state):
        hindered.append(changed)
    if hindered:
        book.append(state, *hindered)
        return
    witness.started(state.id, state.plan_digest)
    _take_slot(book, state)


def no_longer_entitled(state: RollbackState, runbook: Runbook) -> tuple[str, ...]:
    """The approvers that this host's runbook does not (any longer) let fill the row.

    Everybody, when the approvals that remain do not fill it or are for another plan.
    """
    question = state.approved
    if question is None:
        return ()
    useful = _entitled(question, state.plan_digest, state.requester, runbook)
    if _fills(useful, question, runbook):
        return ()
    return tuple(p for p in question.approvals if p not in useful) or tuple(question.approvals)


def may_go_on(state: RollbackState, runbook: Runbook) -> bool:
    """Whether the people who granted this recovery may, by this host's runbook."""
    question = state.granted
    if question is None:
        return False
    return _fills(_entitled(question, question.digest, question.by, runbook), question, runbook)


Held = dict[PersonId, tuple[RoleId, ...]]


def _entitled(question: Question, digest: str, by: PersonId, runbook: Runbook) -> Held:
    """The approvers of this digest who hold a role of the row today, and which."""
    row = runbook.row(question.row)
    if row is None:
        # No row means refused, here as where it was asked.
        return {}
    held = {
        person: roles_in(runbook, person, row.roles)
        for person, approval in question.approvals.items()
        if approval.digest == digest
        and (row.self_approval or person != by)
        and runbook.person_of(approval.identity) == person
    }
    return {person: roles for person, roles in held.items() if roles}


def _fills(held: Held, question: Question, runbook: Runbook) -> bool:
    row = runbook.row(question.row)
    return row is not None and set(match_slots(row.roles, held)) == set(row.roles)


def _plan_changed(book: Book, planning: Planning, state: RollbackState) -> PlanChanged | None:
    try:
        now = planning.plan(book, state.request)
    except StoreError:
        # The journal was away, which says nothing about the plan.
        raise
    except RollbotError as error:
        return PlanChanged(old_digest=state.plan_digest, new_digest="", changes=(error.text,))
    digest = now.digest()
    # Not only what the journal says the digest is: the very steps that would be run.
    if digest == state.plan_digest and state.plan and state.plan.digest() == digest:
        return None
    changes = tuple(_changes(state.plan, now)) if state.plan else ()
    return PlanChanged(old_digest=state.plan_digest, new_digest=digest, changes=changes)


def _changes(old: Plan, new: Plan) -> list[Text]:
    was = {target.service: target for target in old.targets}
    found: list[Text] = []
    for target in new.targets:
        before = was.get(target.service)
        if before is None or before.digest != target.digest:
            found.append(
                text("plan.target_changed", service=target.service, version=target.version)
            )
        elif before.before != target.before:
            found.append(
                text("plan.running_changed", service=target.service, now=target.before_version)
            )
    if old.config_fingerprint != new.config_fingerprint:
        found.append(text("plan.config_changed"))
    if old.runbook_digest != new.runbook_digest:
        found.append(text("plan.runbook_changed"))
    return found or [text("plan.steps_changed")]


def _take_slot(book: Book, state: RollbackState) -> None:
    environment = book.environment()
    started = ExecutionStarted(
        plan_digest=state.plan_digest,
        evidence_digest=state.evidence.digest(),
        approvers=tuple(state.approved.approvals) if state.approved else (),
    )
    taken = SlotTaken(rollback_id=state.id)
    holder = environment.holder()
    if holder is None or holder.id == state.id:
        book.append(state, started, environment=(taken,))
        return
    other = book.rollback(holder.id)
    if other is not None and may_supersede(state.request, other.request):
        _supersede(book, state, other, started, taken)
        return
    reason = text("refused.slot_held_by", id=holder.id)
    closed = RollbackClosed(rollback_id=state.id, outcome=Status.CANCELLED.value)
    book.append(state, Cancelled(reason=reason), environment=(closed,))


def _supersede(
    book: Book,
    state: RollbackState,
    other: RollbackState,
    started: ExecutionStarted,
    taken: SlotTaken,
) -> None:
    """The lease is ours, so the smaller one is between two steps: its slot can be taken over."""
    over = (
        SlotReleased(rollback_id=other.id),
        RollbackClosed(rollback_id=other.id, outcome=Status.SUPERSEDED.value),
        taken,
    )
    others = ((other, (Superseded(by_rollback=state.id),)),)
    book.append(state, started, environment=over, others=others)


def superseded(book: Book, state: RollbackState) -> bool:
    """Between two steps: give way to an approved full rollback that waits for the slot."""
    claimed = book.environment().claimed_by
    if not claimed or claimed == state.id or not state.status.moving:
        return False
    full = book.rollback(claimed)
    if full is None or full.status is not Status.APPROVED:
        return False
    released = (
        SlotReleased(rollback_id=state.id),
        RollbackClosed(rollback_id=state.id, outcome=Status.SUPERSEDED.value),
    )
    book.append(state, Superseded(by_rollback=claimed), environment=released)
    return True
