"""A rollback is asked for: who may, whether it joins another, its number."""

from __future__ import annotations

from datetime import datetime

from commands.domain.command import Ask
from commands.domain.decide.case import (
    Case,
    Decision,
    clock_time,
    name_of,
    role_titles,
    roles_in,
    row_of,
)
from commands.domain.errors import RefusedError
from commands.domain.events import Joined, Requested, RollbackOpened
from commands.domain.people import Scenario
from commands.domain.request import Request
from commands.domain.runbook import Runbook
from commands.domain.state import EnvironmentState, OpenRollback
from commands.domain.text import text


def ask(case: Case, command: Ask, runbook: Runbook, now: datetime) -> Decision:
    """A new rollback, or joining the open one with the same target.

    Raises RefusedError: no right to ask, or another target executes now (who, since when).
    """
    request, person = command.request, command.actor.person
    _may_ask(request, person, runbook)
    if running := case.environment.same_target(request):
        return _join(running, command)
    if not request.dry_run:
        slot_must_allow(case.environment, request, runbook)
    number = case.environment.last_number + 1
    rollback_id = f"RB-{number}"
    return Decision(
        rollback_id,
        environment=(
            RollbackOpened(
                rollback_id=rollback_id, number=number, request=request, requester=person
            ),
        ),
        rollback=(
            Requested(
                rollback_id=rollback_id,
                number=number,
                request=request,
                requester=person,
                identity=command.actor.identity,
                home=command.home,
                runbook_digest=runbook.digest,
            ),
        ),
        answer=text("answer.requested", id=rollback_id),
        work=True,
    )


def _may_ask(request: Request, person: str, runbook: Runbook) -> None:
    row = row_of(runbook, request.row)
    if not request.dry_run and not roles_in(runbook, person, row.may_ask):
        raise RefusedError(
            "refused.may_not_ask",
            person=name_of(runbook, person),
            subject=request.subject,
            roles=role_titles(runbook, row.may_ask),
        )


def _join(running: OpenRollback, command: Ask) -> Decision:
    return Decision(
        running.id,
        rollback=(Joined(person=command.actor.person, home=command.home),),
        answer=text("answer.joined", id=running.id),
    )


def slot_must_allow(state: EnvironmentState, request: Request, runbook: Runbook) -> None:
    """Raises RefusedError when another rollback holds the slot: which, whose, since when."""
    holder = state.holder()
    if holder is None or may_supersede(request, holder.request):
        return
    raise RefusedError(
        "refused.slot_held",
        id=holder.id,
        subject=holder.request.subject,
        person=name_of(runbook, holder.requester),
        since=clock_time(state.slot.since, runbook) if state.slot else "",
    )


def may_supersede(request: Request, other: Request) -> bool:
    """An approved full rollback may take over from an unfinished smaller one.

    Never from one that changes the database: half-way through, only its own way on or back fits.
    """
    wide = (Scenario.FULL, Scenario.ALL)
    smaller = other.scenario not in wide and not other.changes_database
    return request.scenario in wide and smaller
