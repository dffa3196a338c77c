"""The shipped runbook with people who are nobody's example, and the facts of a bad evening."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from commands.domain.database import DatabaseFacts, Fit
from commands.domain.facts import Facts, Proven, ServiceFacts
from commands.domain.runbook import Runbook
from commands.runbook import parse_runbook, shipped_runbook
from tests.unit.planner import world

NIGHT = datetime(2026, 11, 22, 0, 14, tzinfo=UTC)
NAMES = {
    "anna": "Анна Соколова",
    "boris": "Борис Крылов",
    "vera": "Вера Лапина",
    "gleb": "Глеб Орлов",
    "darya": "Дарья Ким",
    "egor": "Егор Белов",
    "zoya": "Зоя Миронова",
    "ivan": "Иван Северов",
}
COMMITS = (
    "86fcae1 New start page",
    "111987f Generate files in parallel",
    "b99093c Drop the old session table's reads",
    "0ff7a0d Cache sessions in the api",
)

SCHEMA = DatabaseFacts(
    database="samokoder",
    server_version=0,
    client_version=None,
    revisions=("r05",),
    fits=(Fit(service="api", version="v1.2.3", knows=True, at_head=True, heads=("r05",)),),
    is_lean=True,
)
"""v1.3.0 came without a migration, so that v1.2.3 suits the schema."""


def runbook() -> Runbook:
    """As shipped; only the names do not say that they are examples, and there is a registry."""
    shipped = parse_runbook(shipped_runbook())
    people = {i: p.model_copy(update={"name": NAMES[i]}) for i, p in shipped.people.items()}
    services = {
        name: service.model_copy(update={"image": f"{world.REPOSITORY}-{name}"})
        for name, service in shipped.services.items()
        if not service.stateful
    }
    # A comment in the shipped file is no concern of a picture: the digest stays.
    changed = {
        "people": people,
        "services": {**shipped.services, **services},
        "digest": "r" * 64,
    }
    return shipped.model_copy(update=changed)


def facts(services: tuple[str, ...]) -> Facts:
    """v1.3.0 runs and is bad, v1.2.3 ran well for eleven days before it."""
    well = Proven(
        since_at=NIGHT - timedelta(days=12),
        until_at=NIGHT - timedelta(hours=9),
        requests=1_204_113,
        errors=964,
    )
    surveyed = (_service(name, well) for name in services)
    return world.facts(*surveyed, database=SCHEMA, surveyed_at=NIGHT)


def _service(name: str, well: Proven) -> ServiceFacts:
    return world.service_facts(
        name,
        releases=(
            world.known(name, "v1.3.0"),
            world.known(name, "v1.2.3", proven=well),
        ),
        commits_undone=COMMITS,
    )
