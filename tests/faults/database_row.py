"""The database row at the bureau: a database in the runbook, its two roles, a planned `db -1`."""

from __future__ import annotations

from datetime import timedelta

from commands.domain import events as e
from commands.domain.database_definition import Database
from commands.domain.people import Scenario
from commands.domain.plan import Phase
from commands.domain.runbook import EscalationRow, RoleDefinition, Runbook
from tests.fakes.database_plans import NAME, database_plan
from tests.faults.bureau import Bureau
from tests.unit.workers.office import ANNA, DORA, EGOR, IVAN

DATABASE_TEAM, LEAD = (EGOR, DORA), (IVAN,)


def with_database_row(office: Bureau) -> Bureau:
    """A bot whose runbook has a database and the row; Dora may ask and is of the database team."""
    office.hall.bots = _added(office.hall.bots)
    office.bot()
    return office


def _added(runbook: Runbook) -> Runbook:
    database = Database(name=NAME, backups="/var/backups/samokoder/postgres")
    environment = runbook.environments["production"].model_copy(update={"database": database})
    roles = {
        name: RoleDefinition.model_validate({"title": {"ru": name}, "members": members})
        for name, members in (("database_team", DATABASE_TEAM), ("devops_lead", LEAD))
    }
    row = EscalationRow.model_validate(
        {
            "title": {"ru": "db"},
            "roles": ("database_team", "devops_lead"),
            "sla_min": 5,
            "expires_min": 30,
            "may_ask": ("oncall", "database_team"),
        }
    )
    return runbook.model_copy(
        update={
            "environments": {**runbook.environments, "production": environment},
            "roles": {**runbook.roles, **roles},
            "escalation": {**runbook.escalation, "db": row},
        }
    )


async def planned_database(office: Bureau, by: str = ANNA, words: str = "db -1") -> str:
    """Asked for in the channel, then planned as the worker writes it down."""
    await office.say(by, words)
    rollback = f"RB-{office.numbers()[-1]}"
    state = office.hall.state(rollback)
    assert state.request.scenario in (Scenario.DATABASE, Scenario.RESTORE)
    plan, row = database_plan(state.request), office.hall.bots.escalation["db"]
    asked = e.Asked(
        verb="execute",
        row="db",
        roles=row.roles,
        self_approval=row.self_approval,
        by=by,
        digest=plan.digest(),
        expires_at=office.hall.world.clock.now() + timedelta(minutes=30),
    )
    office.hall.write(rollback, e.Planned(plan=plan, digest=plan.digest(), seconds=1), asked)
    return rollback


def carried_out(office: Bureau, rollback: str) -> None:
    """Every step done and proven, as a worker would write it."""
    book = office.hall.book()
    book.note(lambda _: (e.SlotTaken(rollback_id=rollback),))
    state = office.hall.state(rollback)
    started = e.ExecutionStarted(
        plan_digest=state.plan_digest, evidence_digest="", approvers=(EGOR, IVAN)
    )
    steps = state.planned(Phase.EXECUTE, Phase.VERIFY)
    done = [x for s in steps for x in (_begun(s.number), _done(s.number))]
    office.hall.write(rollback, started, *done, e.Succeeded(proof=()))
    book.note(lambda _: (e.SlotReleased(rollback_id=rollback),))


def _begun(number: int) -> e.StepIntended:
    return e.StepIntended(step=number)


def _done(number: int) -> e.StepDone:
    return e.StepDone(step=number, seconds=1)
