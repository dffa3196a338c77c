"""Writes the demo's runbook.toml: the shipped one, moved onto the demo's world.

Escalation, checklist, thresholds and follow-ups stay as shipped. People, addresses and the
environment are the demo's, and its windows are shorter, so that nobody waits for minutes.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from commands.domain.people import Language
from rollbot.demo import toml
from rollbot.demo.people import CAST
from rollbot.demo.places import SERVICES, Places
from rollbot.demo.schema import MIGRATES
from rollbot.demo.stack import Stack

ENVIRONMENT = "production"
CHANNEL = ENVIRONMENT
# The watch is longer than the observer's record is old (15 s): a shorter one would be judged by
# what was seen before the rollback.
_TIMING = {"stable_s": 2.0, "watch_s": 20.0, "proven_after_s": 2.0, "health_poll_s": 0.03}

Table = dict[str, Any]


def write_runbook(
    places: Places,
    stack: Stack,
    shipped: Mapping[str, Any],
    language: Language,
    *,
    has_history: bool,
    has_database: bool = False,
) -> None:
    """Write the file. `shipped` is the shipped runbook as tomllib reads it."""
    environment = _environment(places, stack, has_history=has_history)
    if has_database:
        environment["database"] = _database(places)
    runbook = {
        **shipped,
        "language": language,
        "people": {actor.id: {"name": actor.name, "login": actor.id} for actor in CAST},
        "roles": _roles(shipped),
        "services": _services(places, stack, shipped.get("services", {})),
        "environments": {ENVIRONMENT: environment},
        "timing": {**shipped.get("timing", {}), **_TIMING},
    }
    places.runbook.write_text(toml.dumps(runbook))


def _roles(shipped: Mapping[str, Any]) -> Table:
    """The shipped roles, each held by the demo's people."""
    return {
        role: {**definition, "members": [actor.id for actor in CAST if actor.role == role]}
        for role, definition in shipped["roles"].items()
    }


def _services(places: Places, stack: Stack, shipped: Mapping[str, Any]) -> Table:
    services: Table = {name: dict(body) for name, body in shipped.items() if body.get("stateful")}
    for name in SERVICES:
        services[name] = {
            **shipped.get(name, {}),
            "image": stack.repository(name),
            "compose_service": name,
            "health_url": places.url(name, "/health"),
            "version_url": places.url(name, "/version"),
            "version_field": "version",
            "metrics_url": places.url(name, "/metrics"),
            "version_variable": "APP_VERSION",
            "health_timeout_s": 10,
        }
    return services


def _environment(places: Places, stack: Stack, *, has_history: bool) -> Table:
    pages = [places.url(name) for name in SERVICES]
    smoke = {
        "title": {"ru": "smoke-test.sh", "en": "smoke-test.sh"},
        "argv": [sys.executable, "-m", "rollbot.demo.smoke", *pages],
        "timeout_s": 20,
    }
    return {
        "title": "PRODUCTION",
        "channels": [{"platform": "console", "channel": CHANNEL}],
        "compose": {
            **stack.compose(),
            "directory": str(places.project),
            "files": ["docker-compose.yml"],
            "env_file": ".env",
            "pin": "variable",
        },
        "services": list(SERVICES),
        "repository": str(places.project) if has_history else "",
        "smoke": [smoke],
    }


def _database(places: Places) -> Table:
    """A managed server, as the customer's production: its address is no matter of the runbook."""
    return {
        "name": "samokoder",
        "server": "managed",
        "dependants": ["api", "worker"],
        "critical_tables": ["users", "projects", "files"],
        "backups": str(places.backups),
        "clone": "always",
        "drain_s": 1.0,
        "migrations": {
            "service": MIGRATES,
            "command": [sys.executable, "-m", "alembic"],
            "python": [sys.executable],
        },
    }
