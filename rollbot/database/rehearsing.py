"""A rehearsal without a rollback: a migration on a copy of production, before it is deployed."""

from __future__ import annotations

from commands.domain.actions import Target
from commands.domain.database import ScriptGraph
from commands.domain.errors import ImageNotFoundError, PlanRefusedError
from commands.domain.plan import Migration, Plan, RehearseMigration
from commands.planner.database_refusals import refuse_irreversible, refuse_unsound
from commands.planner.graph import downgrade
from commands.planner.migrating import Migrating
from commands.planner.pins import compose_name
from rollbot.database.hand import Hand


def plan_for(hand: Hand, revision: str, version: str) -> Plan:
    """Back up, prove, run the migration on the copy. `revision` "" means up to the image's heads.

    The scripts are those of `version`, pulled if need be; "" is the version that runs. Raises
    PlanRefusedError for what cannot be run, ImageNotFoundError for no such image.
    """
    database = hand.database
    migration = _migration(hand, revision, version)
    rehearsal = RehearseMigration(
        database=database.name, migration=migration, critical=database.critical_tables
    )
    return hand.plan_of_backup((rehearsal, database.rehearsal_timeout_s))


def _migration(hand: Hand, revision: str, version: str) -> Migration:
    graph = hand.ports.tool.graph(_image(hand, version))
    refuse_unsound(graph)
    now = hand.ports.production.revisions(hand.database.name)
    migrating = Migrating.of(hand.runbook, hand.environment, hand.database)
    if revision:
        walk = downgrade(graph, now, revision)
        refuse_irreversible(walk)
        return migrating.downgrade(graph, walk, now)
    _refuse_nothing_to_do(graph, now)
    return migrating.upgrade(graph.version, graph.digest, now, graph.heads)


def _refuse_nothing_to_do(graph: ScriptGraph, now: tuple[str, ...]) -> None:
    if now == graph.heads:
        raise PlanRefusedError("refused.db_already_there", revision=", ".join(now))


def _image(hand: Hand, version: str) -> Target:
    """The image whose scripts run, here on this host."""
    name = hand.database.migrations.service
    service, containers = hand.runbook.services[name], hand.ports.containers
    running = containers.running(compose_name(name, service))
    wanted = version or (running.version if running else "")
    if not wanted:
        raise ImageNotFoundError(service.image)
    if version and running and version != running.version and hand.ports.compose.pin == "override":
        # A one-off container runs what the override file pins, whatever its environment says.
        raise PlanRefusedError("dbshell.image_pinned", version=version, running=running.version)
    here = {image.version: image.digest for image in containers.local_images(service.image)}
    digest = here.get(wanted) or containers.registry_digest(service.image, wanted)
    if digest is None:
        raise ImageNotFoundError(f"{service.image}:{wanted}")
    if wanted not in here:
        limit_s = hand.runbook.timing.pull_timeout_s
        containers.pull(service.image, wanted, digest, limit_s)
    return Target(
        service=name,
        compose_service=compose_name(name, service),
        repository=service.image,
        version=wanted,
        digest=digest,
    )
