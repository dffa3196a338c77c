"""Samokoder's database as a survey finds it: v1.3.0 runs on r06, v1.2.2 and v1.2.3 are of r05."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from commands.domain.database import (
    BackupRecord,
    DatabaseFacts,
    Fit,
    Loss,
    Revision,
    ScriptGraph,
    Session,
)
from commands.domain.database_definition import Database, Maintenance
from commands.domain.facts import Facts
from commands.domain.people import Scenario
from commands.domain.request import Request
from commands.domain.runbook import Runbook
from commands.planner.graph import fit_of, graph_of
from tests.unit.planner.world import NOW, digest, facts, known, proven, runbook, service_facts

USERS = ("api", "worker")
SCRIPTS = (
    Revision(id="r04", down=("r03",), title="An index", autocommit=True),
    Revision(id="r03", title="Sizes"),
    Revision(id="r05", down=("r04",), title="Handles", reads=True),
    Revision(id="r06", down=("r05",), title="Descriptions"),
)
LOSSES = (
    Loss(what="table", name="project_tags", rows=7),
    Loss(what="column", name="projects.description", rows=1_204),
)
BEFORE_R06 = SCRIPTS[:3]


def scripts(*more: Revision, version: str = "v1.3.0") -> ScriptGraph:
    """The running image's graph, with more scripts behind r06."""
    return graph_of("api", version, digest("api", version), (*SCRIPTS, *more))


def older(version: str, *revisions: str) -> Fit:
    """What an older image says of these revisions; it knows up to r05."""
    graph = graph_of("api", version, digest("api", version), BEFORE_R06)
    return fit_of(graph, revisions or ("r05",))


def backup(name: str = "samokoder_1.dump", **more: Any) -> BackupRecord:
    """Proven, taken four hours before v1.3.0 came, on r05."""
    given = {
        "name": name,
        "database": "samokoder",
        "taken_at": NOW - timedelta(hours=5),
        "revisions": ("r05",),
        "sha256": "a" * 64,
        "by": "pre-deploy",
        "versions": {"api": "v1.2.3"},
        "proven_at": NOW - timedelta(hours=4),
    }
    return BackupRecord.model_validate(given | more)


def database(**more: Any) -> DatabaseFacts:
    """All is well, and there is room."""
    given = {
        "database": "samokoder",
        "server_version": 150_018,
        "client_version": 150_018,
        "revisions": ("r06",),
        "graph": scripts(),
        "losses": LOSSES,
        "fits": (older("v1.2.3"), older("v1.2.2")),
        "size_bytes": 2**30,
        "server_free_bytes": 2**34,
        "backup_free_bytes": 2**34,
        "sessions": (Session(pid=1, user="samokoder", application="api"),),
        "backups": (backup(),),
        "faulty_version": "v1.3.0",
        "faulty_since_at": NOW - timedelta(hours=1),
    }
    return DatabaseFacts.model_validate(given | more)


def with_database(found: DatabaseFacts | None = None, **more: Any) -> Facts:
    """The survey of both users and of the database."""
    services = more.pop("services", None) or tuple(
        service_facts(name, releases=RELEASES) for name in USERS
    )
    return facts(*services, database=found or database(), **more)


RELEASES = (
    known("api", "v1.3.0"),
    known("api", "v1.2.3"),
    known("api", "v1.2.2", proven=proven()),
)


def database_runbook(maintenance: bool = True, **more: Any) -> Runbook:
    """A runbook with a database, by default with a maintenance page."""
    page = Maintenance(file="/etc/traefik/maintenance.yml", public_url="http://localhost/")
    given = {
        "name": "samokoder",
        "backups": "/var/backups/samokoder/postgres",
        "critical_tables": ("users", "projects", "files"),
        "maintenance": page if maintenance else None,
    }
    environment = {"smoke": more.pop("smoke", ()), "compose": more.pop("compose", {})}
    return runbook(database=Database.model_validate(given | more), **environment)


def back(revision: str = "-1", **more: Any) -> Request:
    """`/rollback db -1`."""
    return _request(Scenario.DATABASE, revision=revision, **more)


def restore(backup: str = "", **more: Any) -> Request:
    """`/rollback db --restore latest`."""
    return _request(Scenario.RESTORE, backup=backup, **more)


def _request(scenario: Scenario, **more: Any) -> Request:
    given = {"environment": "production", "scenario": scenario, "services": USERS}
    return Request.model_validate(given | more)
