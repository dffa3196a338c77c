"""Environments that name the same places: all right on different hosts, never on one."""

from __future__ import annotations

from collections.abc import Iterator

from commands.domain.runbook import EnvironmentDefinition
from rollbot.check.finding import Check, Finding, Ground, yellow


def environments_are_apart(ground: Ground) -> Iterator[Finding]:
    """What one rolls back, writes or prunes is no other's: project, maintenance file, backups."""
    ours = _places(ground.definition)
    for other, definition in ground.runbook.environments.items():
        if other == ground.environment:
            continue
        theirs = _places(definition)
        for setting, where in ours.items():
            if theirs.get(setting) == where:
                path = f"environments.{ground.environment}.{setting}"
                facts = {"path": path, "other": other, "where": " ".join(filter(None, where))}
                yield yellow("ready.not_apart", **facts)


def _places(definition: EnvironmentDefinition) -> dict[str, tuple[str, ...]]:
    compose, database = definition.compose, definition.database
    found: dict[str, tuple[str, ...]] = {
        "compose": (compose.engine_url, compose.directory, compose.project)
    }
    if database is None:
        return found
    found["database.backups"] = (database.backups, database.name)
    if database.maintenance is not None:
        found["database.maintenance.file"] = (database.maintenance.file,)
    return found


CHECKS: tuple[Check, ...] = (environments_are_apart,)
