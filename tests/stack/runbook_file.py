"""The shipped runbook, moved onto a stand-in project: same people and rules, other places."""

import tomllib
from collections.abc import Mapping
from typing import Any

from rollbot.demo.toml import dumps
from tests.engines.found import ROOT
from tests.stack.images import SERVICES
from tests.stack.project import Samokoder

NOBODY: Mapping[str, str] = {}
SHIPPED = ROOT / "commands/data/runbook.toml"
ENVIRONMENT = "production"
# Windows of a test: long enough to mean something, short enough to wait for.
QUICK = {"stable_s": 1.0, "watch_s": 2.0, "proven_after_s": 1.0, "health_poll_s": 0.05}


def runbook_for(project: Samokoder, logins: Mapping[str, str] = NOBODY, /, **timing: float) -> str:
    """Return the text of a runbook.toml whose only environment is this project.

    `logins` gives people of the runbook another OS login: `{"anna": "root"}`. `timing` replaces
    single windows of `QUICK`; all else, the people and the escalation table among it, is as
    shipped.
    """
    shipped = tomllib.loads(SHIPPED.read_text())
    moved = {
        **shipped,
        "people": {
            name: {**person, "login": logins.get(name, person["login"])}
            for name, person in shipped["people"].items()
        },
        "services": _services(project, shipped["services"]),
        "environments": {ENVIRONMENT: _environment(project, shipped)},
        "timing": {**shipped["timing"], **QUICK, **timing},
    }
    return dumps(moved)


def _services(project: Samokoder, shipped: Mapping[str, Any]) -> dict[str, Any]:
    services = {name: dict(body) for name, body in shipped.items()}
    for name in SERVICES:
        services[name] |= {
            "image": f"{project.images.prefix}/samokoder-{name}",
            "health_url": project.url(name, "/health"),
            "version_url": project.url(name, "/version"),
            "metrics_url": project.url(name, "/metrics"),
            "version_variable": project.variables[name],
            "health_timeout_s": 20,
        }
    return services


def _environment(project: Samokoder, shipped: Mapping[str, Any]) -> dict[str, Any]:
    environment = {**shipped["environments"][ENVIRONMENT], "repository": "", "smoke": []}
    # Its `db` is no PostgreSQL: `database_runbook_for` writes about one that is.
    environment.pop("database")
    compose = {
        **environment["compose"],
        "generation": project.compose.generation,
        "project": project.name,
        "directory": str(project.directory),
    }
    return environment | {"compose": compose}
