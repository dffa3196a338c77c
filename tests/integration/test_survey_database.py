"""The survey of a database on real parts: Docker, Compose, PostgreSQL, Alembic in the images."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from commands.domain.database import DatabaseFacts
from commands.domain.errors import PlanRefusedError
from commands.domain.facts import Facts, LedgerLine
from commands.domain.people import Scenario
from commands.domain.plan import MigrateSchema, Plan
from commands.domain.request import Request
from commands.domain.runbook import Runbook
from commands.planner.plan import plan
from commands.runbook import parse_runbook
from tests.engines.waiting import eventually
from tests.fakes.history import FakeHistory
from tests.stack.compose import compose_v1, compose_v2
from tests.stack.database import NAME, DatabaseStack
from tests.stack.database_fixtures import DatabaseStackFactory
from tests.stack.database_runbook import database_runbook_for
from tests.stack.runbook_file import ENVIRONMENT
from workers.adapters.alembic import AlembicTool
from workers.adapters.backups import BackupFolder
from workers.adapters.compose import DockerContainers
from workers.adapters.config_files import FilesOnDisk
from workers.adapters.postgres.building import in_compose
from workers.adapters.surroundings import Surroundings
from workers.jobs import SystemClock
from workers.observing_database import DatabaseWatch
from workers.survey import Surveyor
from workers.survey_database import DatabaseLook

pytestmark = pytest.mark.engine("docker", "registry", "postgresql")
PROJECT = "com.docker.compose.project"
USERS = ("api", "worker")


@dataclass(slots=True)
class Host:
    """The surveyor of a stack, and the planner behind it."""

    stack: DatabaseStack
    runbook: Runbook
    surveyor: Surveyor

    def survey(self, request: Request, *ledger: LedgerLine) -> Facts:
        return self.surveyor.survey(request, ledger)

    def database(self, request: Request) -> DatabaseFacts:
        facts = self.survey(request)
        assert facts.database is not None, facts.database_why
        return facts.database

    def plan(self, request: Request) -> Plan:
        return plan(request, self.survey(request), self.runbook)

    def refusal(self, request: Request) -> PlanRefusedError:
        with pytest.raises(PlanRefusedError) as refused:
            self.plan(request)
        return refused.value

    def take_back(self, made: Plan) -> None:
        """Run the plan's migration: in the image that runs, the pins as they are."""
        (migrate,) = (s.action for s in made.steps if isinstance(s.action, MigrateSchema))
        tool = look_at(self).tool
        done = tool.run(migrate.migration, NAME, 60, scratch=False)
        after = list(migrate.migration.after)
        assert (done.exit_code, self.stack.revisions()) == (0, after), done.tail
        assert self.stack.password not in done.output + done.tail


def host_of(stack: DatabaseStack, kept: Path) -> Host:
    """What a job builds, with the stack's own programs."""
    runbook = parse_runbook(database_runbook_for(stack).encode())
    environment = runbook.environments[ENVIRONMENT]
    around = Surroundings(stack.compose.environment)
    containers = DockerContainers(environment.compose, around)
    definition = environment.database
    assert definition is not None
    look = DatabaseLook(
        runbook=runbook,
        environment=ENVIRONMENT,
        definition=definition,
        containers=containers,
        database=in_compose(definition, containers, around, "rollbot RB-7"),
        backups=BackupFolder(Path(definition.backups), SystemClock()),
        tool=AlembicTool(containers, definition.migrations, "api", kept, "RB-7"),
        rollback_id="RB-7",
    )
    surveyor = Surveyor(
        runbook=runbook,
        environment=ENVIRONMENT,
        containers=containers,
        files=FilesOnDisk(stack.directory),
        history=FakeHistory(),
        clock=SystemClock(),
        database=look,
    )
    return Host(stack, runbook, surveyor)


def look_at(host: Host) -> DatabaseLook:
    assert host.surveyor.database is not None
    return host.surveyor.database


def has_sessions(host: Host) -> bool:
    """Whether every service that uses the database is connected to it."""
    return {s.application for s in look_at(host).database.sessions(NAME)} >= set(USERS)


def back(revision: str = "-1", **more: Any) -> Request:
    given = {"environment": ENVIRONMENT, "scenario": Scenario.DATABASE, "services": USERS}
    return Request.model_validate({**given, "revision": revision, **more})


def api(version: str) -> Request:
    return Request(
        environment=ENVIRONMENT, scenario=Scenario.SERVICE, services=("api",), version=version
    )


def test_a_broken_release_is_surveyed_planned_and_taken_back(
    database_stack: DatabaseStackFactory, tmp_path: Path
) -> None:
    """Current revision, scripts, losses with their rows, fits; and the very command works.

    H18 in one breath: the same knowledge judges a rollback of the api alone.
    """
    stack = database_stack(compose_v2(), "v1.3.0")
    host = host_of(stack, tmp_path / "kept")
    eventually(lambda: has_sessions(host), what="the services have their sessions")

    found = host.database(back())

    assert (found.database, found.revisions, found.target) == (NAME, ("r06",), ("r05",))
    assert found.server_version // 10_000 == 15
    assert found.client_version == found.server_version
    assert found.size_bytes > 1_000_000
    assert found.server_free_bytes is not None
    assert {s.application for s in found.sessions} >= set(USERS)
    assert found.graph is not None
    assert (found.graph.version, found.graph.heads) == ("v1.3.0", ("r06",))
    assert found.losses_why == ""
    rows = {f"{loss.what} {loss.name}": loss.rows for loss in found.losses}
    assert rows["column projects.description"] == 100
    assert rows["column projects.priority"] == 100
    assert rows["table project_tags"] == 0
    assert "index ix_projects_priority" in rows
    judged = {fit.version: (fit.knows, fit.at_head) for fit in found.fits}
    assert judged["v1.2.3"] == judged["v1.2.2"] == (True, True)
    assert judged["v1.3.0"] == (True, False)

    watch = DatabaseWatch(look_at(host), SystemClock())
    eventually(lambda: watch.seen() is not None, what="the observer sees it")
    seen = watch.seen()
    assert seen is not None
    assert (seen.name, seen.revisions, seen.why) == (NAME, ("r06",), None)
    assert seen.graph == found.graph

    made = host.plan(back())
    assert {target.version for target in made.targets} == {"v1.2.3"}
    alone = host.plan(api("v1.2.2"))
    assert [w.params["command"] for w in alone.warnings if w.key == "plan.db_needs_downgrade"] == [
        "/rollback db r05 --with api=v1.2.2"
    ]

    host.take_back(made)
    assert host.refusal(back("r05")).key == "refused.db_already_there"


def test_what_is_asked_twice_costs_nothing(
    database_stack: DatabaseStackFactory, tmp_path: Path
) -> None:
    """Scripts and SQL of an image are remembered, so the second survey starts no container.

    A database that is away is no obstacle to a rollback of the api.
    """
    stack = database_stack(compose_v1(), "v1.3.0")
    host = host_of(stack, tmp_path / "kept")
    first = host.database(back())
    began_at = time.time()
    again = host.database(back())
    assert any("db_" in text.key for text in host.plan(api("v1.2.2")).warnings)
    assert (again.losses, again.fits) == (first.losses, first.fits)
    assert created_since(stack, began_at) == []

    # H2: the api was rolled back first; what knows r06 is the image that brought it.
    stack.deploy("v1.2.2", "api")
    host.take_back(host.plan(back()))

    stack.container("db").stop(timeout=1)
    facts = host.survey(api("v1.2.3"))
    assert facts.database is None
    assert facts.database_why is not None
    made = plan(api("v1.2.3"), facts, host.runbook)
    assert "plan.db_schema_unasked" in [warning.key for warning in made.warnings]
    with pytest.raises(PlanRefusedError):
        host.plan(back())


def created_since(stack: DatabaseStack, began_at: float) -> list[str]:
    """Containers made for this project's surveys, by Compose or to look into an image."""
    told = stack.engine.api.events(
        since=int(began_at) + 1,
        until=int(time.time()) + 1,
        filters={"event": "create"},
        decode=True,
    )
    names = [event["Actor"]["Attributes"] for event in told]
    return [str(n) for n in names if stack.name in (n.get("rollbot.question"), n.get(PROJECT))]


UNSAFE = {
    "v1.4.0-heads": ("refused.db_several_heads", "r07a"),
    "v1.4.0-dangling": ("refused.db_broken_reference", "r07d → r06x"),
    "v1.4.0": ("refused.db_ambiguous", "r07b"),
    "v1.4.0-irreversible": ("refused.db_irreversible", "r07i"),
}


def test_unsafe_histories_are_refused_at_planning(
    database_stack: DatabaseStackFactory, tmp_path: Path
) -> None:
    """Cases 47 and 48, H15: by the scripts of the image that runs, one release after another."""
    stack = database_stack(compose_v2(), "v1.3.0", more=tuple(UNSAFE))
    host = host_of(stack, tmp_path / "kept")
    for version, (key, named) in UNSAFE.items():
        stack.deploy(version, "api")
        if version in ("v1.4.0", "v1.4.0-irreversible"):
            stack.migrate(version)
        refused = host.refusal(back())
        assert refused.key == key
        assert any(named in str(fact) for fact in refused.facts.values())
        if version == "v1.4.0":
            # The merge, and with it both branches; then both branches that nobody merged.
            host.take_back(host.plan(back("r06", version="v1.3.0")))
            for branch in ("r07a", "r07b"):
                stack.migrate(version, branch)
            assert stack.revisions() == ["r07a", "r07b"]
            host.take_back(host.plan(back("r06", version="v1.3.0")))
