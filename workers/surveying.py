"""The surveyor of a host, with the ports of a job."""

from __future__ import annotations

from workers.steps.ports import Ports
from workers.survey import Surveyor
from workers.survey_database import DatabaseLook


def surveyor_of(ports: Ports) -> Surveyor:
    """Nothing is connected yet."""
    return Surveyor(
        runbook=ports.runbook,
        environment=ports.environment,
        containers=ports.containers,
        files=ports.files,
        history=ports.history,
        clock=ports.clock,
        database=look_of(ports),
    )


def look_of(ports: Ports) -> DatabaseLook | None:
    """At the environment's database; None when the runbook names none."""
    definition = ports.definition.database
    if definition is None or ports.database is None:
        return None
    return DatabaseLook(
        runbook=ports.runbook,
        environment=ports.environment,
        definition=definition,
        containers=ports.containers,
        database=ports.database,
        backups=ports.folder,
        tool=ports.tool,
        proxy=ports.proxy,
        scratch_apart=ports.scratch is not ports.database,
        rollback_id=ports.rollback_id,
    )
