"""Which planner a request is for."""

from __future__ import annotations

from commands.domain.facts import Facts
from commands.domain.plan import Plan
from commands.domain.request import Request
from commands.domain.runbook import Runbook
from commands.planner import database, service


def plan(request: Request, facts: Facts, runbook: Runbook) -> Plan:
    """Everything that will be done, from what. Pure. Raises PlanRefusedError (`refused.*`)."""
    chosen = database.plan if request.changes_database else service.plan
    return chosen(request, facts, runbook)
