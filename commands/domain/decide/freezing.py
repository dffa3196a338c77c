"""Freeze deploys, and let them go on. A freeze never stops a rollback."""

from __future__ import annotations

from datetime import datetime

from commands.domain.command import FreezeDeploys, UnfreezeDeploys
from commands.domain.decide.case import Case, Decision, role_titles, roles_in, row_of
from commands.domain.errors import RefusedError
from commands.domain.events import Frozen, UnfreezeAsked, Unfrozen
from commands.domain.runbook import Runbook
from commands.domain.state import match_slots
from commands.domain.text import text


def freeze(case: Case, command: FreezeDeploys, runbook: Runbook, now: datetime) -> Decision:
    """Stop deploys; whoever may ask for an API rollback may."""
    row = row_of(runbook, "api")
    if not roles_in(runbook, command.actor.person, (*row.may_ask, *row.roles)):
        raise RefusedError("refused.not_an_approver", roles=role_titles(runbook, row.may_ask))
    if case.environment.freeze is not None:
        return Decision(answer=text("answer.already_frozen"))
    frozen = Frozen(person=command.actor.person, reason=command.reason)
    return Decision(environment=(frozen,), answer=text("answer.frozen"))


def unfreeze(case: Case, command: UnfreezeDeploys, runbook: Runbook, now: datetime) -> Decision:
    """Lift the freeze when the row of the rollback that froze is filled.

    Raises RefusedError: not frozen, or no role of that row.
    """
    frozen = case.environment.freeze
    if frozen is None:
        raise RefusedError("refused.not_frozen")
    froze = case.environment.opened.get(frozen.rollback_id)
    row = row_of(runbook, froze.request.row if froze else "api")
    person = command.actor.person
    roles = roles_in(runbook, person, row.roles)
    if not roles:
        raise RefusedError("refused.not_an_approver", roles=role_titles(runbook, row.roles))
    yes = {**case.environment.unfreeze_yes, person: roles}
    asked = UnfreezeAsked(person=person, roles=roles, reason=command.reason)
    missing = tuple(r for r in row.roles if r not in match_slots(row.roles, yes))
    if missing:
        waiting = text("answer.unfreeze_waiting", roles=role_titles(runbook, missing))
        return Decision(environment=(asked,), answer=waiting)
    return Decision(
        environment=(asked, Unfrozen(people=tuple(yes))), answer=text("answer.unfrozen")
    )
