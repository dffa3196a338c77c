"""Cancel, stop, ticks and notes."""

from __future__ import annotations

from datetime import datetime

from commands.domain.command import Cancel, Confirm, Note, Recover, Stop
from commands.domain.decide.case import Case, Decision, role_titles, roles_in, row_of
from commands.domain.decide.recovering import recover
from commands.domain.errors import RefusedError
from commands.domain.events import Cancelled, Noted, RollbackClosed, StopAsked, Ticked
from commands.domain.people import PersonId
from commands.domain.procedure import WATCH_SEEN
from commands.domain.runbook import Runbook
from commands.domain.state import RollbackState, Status
from commands.domain.text import text


def cancel(case: Case, command: Cancel, runbook: Runbook, now: datetime) -> Decision:
    """Before execution the request is taken back; a half-done one is left as it is (by its row).

    Raises RefusedError while it moves (stop first) and when it has ended.
    """
    state = case.named()
    if state.status.waits_for_people:
        return recover(case, Recover(command.actor, "abandon"), runbook, now)
    if state.status.moving:
        raise RefusedError("refused.stop_first", id=state.id)
    if not state.status.undecided:
        raise RefusedError("refused.ended", id=state.id, status=state.status.value)
    _must_be_involved(state, command.actor.person, runbook)
    return Decision(
        state.id,
        environment=(RollbackClosed(rollback_id=state.id, outcome=Status.CANCELLED.value),),
        rollback=(Cancelled(person=command.actor.person),),
        answer=text("answer.cancelled", id=state.id),
        work=True,
    )


def stop(case: Case, command: Stop, runbook: Runbook, now: datetime) -> Decision:
    """Finish the step, then ask. Raises RefusedError when nothing moves."""
    state = case.named()
    _must_be_involved(state, command.actor.person, runbook)
    if not state.status.moving:
        raise RefusedError("refused.not_running", id=state.id, status=state.status.value)
    if state.stop_asked_by is not None:
        return Decision(state.id, answer=text("answer.stopping", id=state.id))
    return Decision(
        state.id,
        rollback=(StopAsked(person=command.actor.person),),
        answer=text("answer.stopping", id=state.id),
    )


def confirm(case: Case, command: Confirm, runbook: Runbook, now: datetime) -> Decision:
    """Tick a checklist point, or take note of a bad watch.

    Raises RefusedError for a point the runbook does not know.
    """
    state = case.named()
    known = {point.id for point in runbook.checklist}
    if command.point not in known and not _takes_note(state, command):
        raise RefusedError("refused.no_such_point", point=command.point)
    if not state.succeeded:
        raise RefusedError("refused.checklist_early", id=state.id)
    if command.done == (command.point in state.ticks):
        return Decision(state.id, answer=text("answer.done"))
    return Decision(
        state.id,
        rollback=(Ticked(point=command.point, person=command.actor.person, done=command.done),),
    )


def _takes_note(state: RollbackState, command: Confirm) -> bool:
    return command.point == WATCH_SEEN and state.watched_badly


def note(case: Case, command: Note, runbook: Runbook, now: datetime) -> Decision:
    """Write a note down; any known person may, at any time."""
    state = case.named()
    return Decision(
        state.id,
        rollback=(Noted(person=command.actor.person, words=command.words),),
        answer=text("answer.noted", id=state.id),
    )


def _must_be_involved(state: RollbackState, person: PersonId, runbook: Runbook) -> None:
    row = row_of(runbook, state.request.row)
    involved = (state.requester, *state.joined)
    if person not in involved and not roles_in(runbook, person, (*row.may_ask, *row.roles)):
        raise RefusedError("refused.not_involved", roles=role_titles(runbook, row.roles))
