"""The database: reachable, its migrations sound, its newest backup proven, its page shown (H19)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from commands.database_ports import Database as Server
from commands.domain import naming
from commands.domain.actions import Target
from commands.domain.database_definition import Database
from commands.domain.errors import PlanRefusedError, RollbotError
from commands.planner.database_refusals import refuse_unsound
from commands.planner.pins import compose_name
from rollbot.check.finding import Check, Finding, Ground, Level, green, red, yellow
from workers.steps.ports import Ports

OLDEST = 150_000
MAJOR = 10_000
WELL = range(200, 500)


def server_answers(ground: Ground) -> Iterator[Finding]:
    """The server lets us in, its tools are new enough, and copies can be made beside production."""
    database = ground.definition.database
    if database is None:
        return
    production = ground.ports.production
    server = production.server()
    version = server.version // MAJOR
    if server.version < OLDEST:
        yield red("ready.db_old", version=version)
    if server.client_version is None or server.client_version // MAJOR < version:
        client = (server.client_version or 0) // MAJOR
        yield red("ready.db_client_old", client=client or "—", version=version)
    yield green("ready.db_answers", database=database.name, version=version)
    if server.free_bytes is None and database.clone != "always":
        is_apart = ground.ports.rehearsals is not production
        said = yellow if is_apart else red
        yield said("ready.db_room_unknown", database=database.name)
    yield from _copies(ground.ports, database)


def migrations_sound(ground: Ground) -> Iterator[Finding]:
    """The running image knows the revision that the database is at; one head, nothing missing."""
    database = ground.definition.database
    if database is None:
        return
    name = database.migrations.service
    service, containers = ground.runbook.services[name], ground.ports.containers
    running = containers.running(compose_name(name, service))
    if running is None:
        return  # `services_run` says so
    target = Target(
        service=name,
        compose_service=compose_name(name, service),
        repository=service.image,
        version=running.version,
        digest=running.digest,
    )
    graph = ground.ports.tool.graph(target)
    try:
        refuse_unsound(graph)
    except PlanRefusedError as error:
        yield Finding(Level.RED, error.text)
        return
    now = ground.ports.production.revisions(database.name)
    strange = tuple(one for one in now if not graph.knows(one))
    if strange:
        yield red("ready.db_revision_strange", revisions=strange, version=running.version)
    else:
        yield green("ready.db_revision", revisions=now, version=running.version)


def backup_is_fresh(ground: Ground) -> Iterator[Finding]:
    """There is a proven backup to go back to, and it is not from last week."""
    database = ground.definition.database
    if database is None:
        return
    folder = Path(database.backups)
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        yield red("ready.db_folder", path=database.backups)
        return
    proven = [one for one in ground.ports.folder.listed(database.name) if one.proven_at]
    if not proven:
        yield red("ready.db_no_backup", path=database.backups)
        return
    newest = proven[0]
    age_h = (ground.now - newest.taken_at) / timedelta(hours=1)
    fresh = age_h <= database.max_age_h
    said = green if fresh else yellow
    key = "ready.db_backup_fresh" if fresh else "ready.db_backup_stale"
    yield said(key, backup=newest.name, hours=age_h)


def page_can_be_shown(ground: Ground) -> Iterator[Finding]:
    """The proxy's file can be written, its public address answers, and no page is left over."""
    database = ground.definition.database
    if database is None:
        return
    maintenance = database.maintenance
    if maintenance is None:
        yield yellow("ready.no_page", environment=ground.environment)
        return
    folder = Path(maintenance.file).parent
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        yield red("ready.page_folder", path=str(folder))
    seen = ground.ports.page.seen()
    if seen.page:
        yield red("ready.page_left", file=maintenance.file)
    elif seen.status not in WELL:
        yield red("ready.page_address", url=maintenance.public_url, status=seen.status or "—")
    else:
        yield green("ready.page", url=maintenance.public_url)


def _copies(ports: Ports, database: Database) -> Iterator[Finding]:
    """A drill on every server that copies are made on."""
    if why := _drilled(ports.production, database.name):
        yield red("ready.db_no_copies", why=why)
    else:
        yield green("ready.db_copies", database=database.name)
    if ports.rehearsals is ports.production:
        return
    if why := _drilled(ports.rehearsals, database.name):
        yield red("ready.db_no_scratch", why=why)
    else:
        yield green("ready.db_scratch")


def _drilled(server: Server, like: str) -> str:
    """Make an empty database of ours, go into it, drop it again; why that cannot be done, or ""."""
    name = naming.scratch(like, "check")
    try:
        try:
            server.create(name, like)
            # Making one says nothing of being let in: pg_hba.conf may name production's alone.
            server.revisions(name)
        finally:
            server.drop(name)
    except RollbotError as error:
        return str(error.facts.get("why", error))
    return ""


CHECKS: tuple[Check, ...] = (server_answers, migrations_sound, backup_is_fresh, page_can_be_shown)
