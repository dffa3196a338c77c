"""The small world of the steps with a database: its server, backups, migrations and proxy."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from commands.database_ports import Shape
from commands.domain.database_definition import Database, Maintenance
from commands.domain.people import Scenario
from commands.domain.plan import Plan, PlannedStep
from commands.ports import ProgramOutcome
from tests.fakes.database import FakeBackups, FakeContent, FakeDatabase, FakeShelf
from tests.fakes.database_plans import (
    AFTER,
    BEFORE,
    CRITICAL,
    NAME,
    database_plan,
    database_request,
)
from tests.fakes.migrations import FakeMigrations
from tests.fakes.proxy import FakeProxy
from tests.unit.planner.world import REPOSITORY
from tests.unit.steps.world import NEW, OLD, World, released, world
from workers.steps.ports import Known, Ports
from workers.steps.progress import Outcome, Step
from workers.steps.registry import build

KEPT, LEFT = f"{NAME}_before_RB_17", f"{NAME}_after_RB_17"
RESTORED, SCRATCH = f"{NAME}_restored_RB_17", f"{NAME}_scratch_RB_17"
SMOKE = "/opt/samokoder/ops/scripts/smoke-test.sh"
ROWS = {"users": 20, "projects": 100, "files": 300}
TABLES = frozenset(ROWS)
KEPT_COLUMNS = frozenset({"users.id", "projects.id", "files.id"})
OLDER = Shape({"table": TABLES, "column": KEPT_COLUMNS})
NEWER = Shape(
    {
        "table": TABLES | {"tags"},
        "column": KEPT_COLUMNS | {"projects.description", "projects.archived_at", "tags.id"},
        "index": frozenset({"projects.ix_projects_archived"}),
    }
)
NOW = FakeContent({**ROWS, "tags": 7}, BEFORE, NEWER)


@dataclass(slots=True)
class DatabaseWorld:
    """The services' world, and everything that the database's steps touch."""

    services: World
    server: FakeDatabase
    scratch: FakeDatabase
    backups: FakeBackups
    tool: FakeMigrations
    proxy: FakeProxy
    ports: Ports
    plan: Plan
    known: Known

    @property
    def content(self) -> FakeContent:
        """What is in production's database now."""
        return self.server.databases[NAME]

    def planned(self, kind: str) -> PlannedStep:
        return next(s for s in self.plan.steps if s.action.kind == kind)

    def step(self, kind: str, **ports: Any) -> Step:
        """The plan's step of that kind, as the executor builds it now."""
        return build(self.planned(kind), replace(self.ports, known=self.known, **ports), self.plan)

    def capture(self, kind: str) -> dict[str, str]:
        """Capture, and remember it as the journal does."""
        number, before = self.planned(kind).number, self.step(kind).capture()
        captured = {**self.known.captured, number: self.known.captured.get(number, before)}
        attempts = {**self.known.attempts, number: self.known.attempts.get(number, 0) + 1}
        self.known = replace(self.known, captured=captured, attempts=attempts)
        return before

    def do(self, *kinds: str) -> Outcome:
        """Capture and apply these steps as the executor does; the outcome of the last."""
        outcome = Outcome()
        for kind in kinds:
            self.capture(kind)
            outcome = self.step(kind).apply()
            found = {i.name: i for i in (*self.known.evidence.items, *outcome.evidence)}
            evidence = self.known.evidence.model_copy(update={"items": tuple(found.values())})
            said = {**self.known.said}
            if outcome.detail is not None:
                said[self.planned(kind).number] = outcome.detail
            self.known = replace(self.known, evidence=evidence, said=said)
        return outcome

    def before(self, kind: str) -> dict[str, str]:
        """What was captured for that step."""
        return dict(self.known.captured[self.planned(kind).number])

    def revert(self, *kinds: str) -> None:
        """Walk back over these, as the executor does: only where something was captured."""
        for kind in kinds:
            self.step(kind).revert(self.before(kind))


def database_world(scenario: Scenario = Scenario.DATABASE, way: str = "clone") -> DatabaseWorld:
    """A world whose plan takes the database one revision back, or restores a backup."""
    services = world("api", "worker", database=definition())
    services.programs.known[SMOKE] = lambda command, timeout_s: ProgramOutcome(0, "", 0.1)
    shelf = FakeShelf()
    server = FakeDatabase({NAME: NOW}, shelf, services.clock)
    scratch = FakeDatabase({}, shelf, services.clock)
    backups = FakeBackups(shelf, services.clock)
    tool = FakeMigrations(server, scratch, {BEFORE: NEWER, AFTER: OLDER}, AFTER)
    proxy = FakeProxy()
    ports = replace(
        services.ports,
        database=server,
        scratch=scratch,
        backups=backups,
        migrations=tool,
        proxy=proxy,
    )
    made = database_plan(database_request(scenario=scenario, version=OLD), way=way)
    plan = with_digests(made)
    return DatabaseWorld(services, server, scratch, backups, tool, proxy, ports, plan, Known())


def definition() -> Database:
    """The runbook's words for it."""
    maintenance = Maintenance(file="/etc/traefik/rollbot.yml", public_url="http://public/")
    return Database(
        name=NAME, backups="/backups", critical_tables=CRITICAL, maintenance=maintenance
    )


def with_digests(plan: Plan) -> Plan:
    """The plan's targets as they are in the registry of the services' world."""

    def renamed(value: Any) -> Any:
        if isinstance(value, dict) and "before_version" in value:
            service, version = value["service"], value["version"]
            digest = released(service, version).digest
            return value | {
                "repository": f"{REPOSITORY}-{service}",
                "digest": digest,
                "before": released(service, NEW).digest,
            }
        if isinstance(value, dict) and "url_variable" in value:
            service = value["service"]
            there = {"digest": released(service, value["version"]).digest}
            return value | there | {"repository": f"{REPOSITORY}-{service}"}
        if isinstance(value, dict):
            return {key: renamed(item) for key, item in value.items()}
        return [renamed(item) for item in value] if isinstance(value, list) else value

    return Plan.model_validate(renamed(plan.model_dump(mode="json")))
