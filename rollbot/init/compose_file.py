"""What a team's Compose files tell of their services.

Source: the Compose specification (compose-spec.io, interpolation, services, ports, healthcheck).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from dotenv import dotenv_values
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from commands.domain.errors import ConfigFileError
from commands.domain.spoken import RESERVED
from rollbot.init.database import FoundDatabase, find_database

NAMES = ("docker-compose.yml", "docker-compose.yaml", "compose.yaml", "compose.yml")
VARIABLE = re.compile(r"\$\{(?P<braced>\w+)(?::?[-?+](?P<default>[^}]*))?\}|\$(?P<bare>\w+)")
ADDRESS = re.compile(r"https?://[^\s\"'|)\]]+")
# Images that keep data, or belong to somebody else's product: a rollback never recreates these.
KEEPS_DATA = frozenset(
    [
        "postgres",
        "postgresql",
        "postgis",
        "timescaledb",
        "timescaledb-ha",
        "pgvector",
        "mysql",
        "mariadb",
        "redis",
        "valkey",
        "keydb",
        "mongo",
        "rabbitmq",
        "clickhouse-server",
        "elasticsearch",
        "opensearch",
        "minio",
        "kafka",
        "zookeeper",
        "etcd",
        "consul",
        "vault",
        "cassandra",
        "influxdb",
        "memcached",
        "nats",
        "prometheus",
        "alertmanager",
        "grafana",
        "loki",
    ]
)


@dataclass(frozen=True, slots=True)
class FoundService:
    """One service. `image` has no tag; `variable` is what its tag is read from ("" = fixed).

    `stateful`: keeps data, or is not the team's own release, and is left alone by rollbacks.
    """

    name: str
    image: str
    variable: str
    stateful: bool
    health_url: str = ""
    ports: tuple[str, ...] = ()
    after: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """What the runbook calls it: a name that can be typed and is no word of rollbot's."""
        slug = re.sub(r"[^a-z0-9_-]+", "-", self.name.lower()).strip("-_") or "service"
        slug = slug if slug[0].isalpha() else f"s-{slug}"
        return f"{slug[:16]}-app" if slug in RESERVED and not self.stateful else slug[:20]


@dataclass(frozen=True, slots=True)
class FoundProject:
    """A Compose project as its files have it."""

    name: str
    directory: Path
    files: tuple[str, ...]
    services: tuple[FoundService, ...]
    database: FoundDatabase | None = None


@dataclass(frozen=True, slots=True)
class Interpolation:
    """Variables of the env file beside the Compose file; values stay as written."""

    values: Mapping[str, str | None] = field(default_factory=dict)

    def expand(self, said: str) -> str:
        """The text with its variables filled in: from the file, else their defaults."""
        return VARIABLE.sub(
            lambda found: (
                self.values.get(found["braced"] or found["bare"]) or found["default"] or ""
            ),
            said,
        )

    def image(self, said: str) -> tuple[str, str]:
        """Repository, and the variable that its tag is read from ("" when it is fixed)."""
        names = [found["braced"] or found["bare"] for found in VARIABLE.finditer(said)]
        # Hide variables while the tag is looked for: a default may hold a colon of its own.
        hidden = VARIABLE.sub(lambda _: "\x00", said).partition("@")[0]
        path, colon, tag = hidden.rpartition(":")
        repository = path if colon and "/" not in tag else hidden
        before = repository.count("\x00")
        tagged = names[before:] if repository == path else []
        parts = iter([found.group(0) for found in VARIABLE.finditer(said)])
        whole = "".join(next(parts) if c == "\x00" else c for c in repository)
        return self.expand(whole).strip("/"), tagged[0] if tagged else ""


def read_project(directory: Path, files: tuple[str, ...] = ()) -> FoundProject:
    """The project in a folder, from the files named or the first usual one.

    Raises ConfigFileError: no such file, not YAML, no services in it.
    """
    directory = directory.resolve()
    named = files or tuple(name for name in NAMES if (directory / name).is_file())[:1]
    if not named:
        raise ConfigFileError(str(directory / NAMES[0]), "is not there; name it with --file")
    merged: dict[str, dict[str, Any]] = {}
    project = ""
    for file in named:
        content = _content(directory / file)
        project = str(content.get("name") or project)
        for name, body in content["services"].items():
            merged.setdefault(str(name), {}).update(body or {})
    env = Interpolation(dotenv_values(directory / ".env", interpolate=False))
    project = env.expand(project) or re.sub(r"[^a-z0-9_-]", "", directory.name.lower())
    database = find_database(merged, directory, env.expand)
    server = database.service if database else ""
    found = [_service(name, body, project, env, server) for name, body in merged.items()]
    own = {service.name: service.key for service in found if not service.stateful}
    services = tuple(_ordered(service, merged[service.name], own) for service in found)
    return FoundProject(project, directory, named, services, database)


def _content(path: Path) -> Mapping[str, Any]:
    try:
        content = YAML(typ="safe").load(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigFileError(str(path), f"cannot be read ({error.strerror})") from error
    except (UnicodeDecodeError, YAMLError) as error:
        raise ConfigFileError(str(path), f"is not YAML: {_first_of(error)}") from error
    if not isinstance(content, dict) or not isinstance(content.get("services"), dict):
        raise ConfigFileError(str(path), "has no services")
    return content


def _first_of(error: Exception) -> str:
    """What is wrong and where, on one line: YAML's own words run over several."""
    if isinstance(error, MarkedYAMLError) and error.problem_mark is not None:
        return f"line {error.problem_mark.line + 1}: {error.problem}"
    return str(error).partition("\n")[0]


def _service(
    name: str, body: Mapping[str, Any], project: str, env: Interpolation, server: str
) -> FoundService:
    image, variable = env.image(str(body.get("image", "")))
    is_own = bool(variable) or "build" in body
    keeps_data = image.rpartition("/")[2] in KEEPS_DATA or name == server
    return FoundService(
        name=name,
        image=image or f"{project}-{name}",
        variable=variable,
        stateful=keeps_data or not is_own,
        health_url=_health(body, env),
        ports=tuple(dict(_ports(body, env)).values()),
    )


def _ordered(
    service: FoundService, body: Mapping[str, Any], own: Mapping[str, str]
) -> FoundService:
    """The same with the services that it waits for, as far as they are rolled back too."""
    waits_for = [str(other) for other in body.get("depends_on") or ()]
    after = () if service.stateful else tuple(own[o] for o in waits_for if o in own)
    return replace(service, after=after)


def _health(body: Mapping[str, Any], env: Interpolation) -> str:
    """The health check's own address, as it is reached from the host; "" when it is not."""
    test = (body.get("healthcheck") or {}).get("test", "")
    said = env.expand(" ".join(map(str, test)) if isinstance(test, list) else str(test))
    found = ADDRESS.search(said)
    if found is None:
        return ""
    scheme, _, rest = found.group(0).partition("://")
    authority, slash, path = rest.partition("/")
    inside = authority.partition(":")[2] or ("443" if scheme == "https" else "80")
    outside = dict(_ports(body, env)).get(inside)
    return f"{scheme}://localhost:{outside}{slash}{path}" if outside else ""


def _ports(body: Mapping[str, Any], env: Interpolation) -> Iterator[tuple[str, str]]:
    """Container port and the host's port, of those that are published with a fixed one."""
    for port in body.get("ports") or ():
        if isinstance(port, dict):
            if port.get("published"):
                yield str(port["target"]), env.expand(str(port["published"]))
            continue
        said = env.expand(str(port)).partition("/")[0]
        outside, colon, inside = said.rpartition(":")
        if colon:
            yield inside, outside.rpartition(":")[2]
