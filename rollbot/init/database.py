"""The PostgreSQL of a Compose project, who uses it, and whose image migrates it.

Sources: the Compose specification (environment, env_file, build); the official image's
POSTGRES_USER and POSTGRES_DB (hub.docker.com/_/postgres); Alembic's `-c`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dotenv import dotenv_values

from rollbot.init.proxy import FoundProxy, find_proxy

Bodies = Mapping[str, Mapping[str, Any]]
Expand = Callable[[str], str]

SERVERS = frozenset(
    ["postgres", "postgresql", "postgis", "timescaledb", "timescaledb-ha", "pgvector"]
)
NAMES = frozenset(["db", "database", "postgres", "postgresql", "pg"])
SETTING = "POSTGRES_"
URL_VARIABLE = "DATABASE_URL"
ADDRESS = re.compile(r"postgres(ql)?(\+\w+)?://")
CONFIG = re.compile(r"\balembic\b.*?\s(?:-c|--config)[ =](?P<path>[^\s'\"]+)")
DEFAULT_CONFIG = "alembic.ini"
# Who migrates when nothing else tells.
LIKELY = ("api", "backend", "web", "app", "server")


@dataclass(frozen=True, slots=True)
class FoundDatabase:
    """A database as the Compose file has it; services by their Compose names.

    `users` have its address in `url_variable`. `migrates` is one of them; `seen` says by what
    it was told ("" = a guess). `config` is Alembic's file inside the image.
    """

    service: str
    name: str
    users: tuple[str, ...]
    migrates: str
    url_variable: str
    config: str = DEFAULT_CONFIG
    seen: str = ""
    proxy: FoundProxy | None = None


def find_database(bodies: Bodies, directory: Path, expand: Expand) -> FoundDatabase | None:
    """The first PostgreSQL of the project that somebody uses; None when there is none."""
    settings = {name: _variables(body, directory, expand) for name, body in bodies.items()}
    servers = [name for name, body in bodies.items() if _is_server(name, body, settings, expand)]
    if not servers:
        return None
    # A second one, of an exporter or a pooler, has not the settings that make a server.
    service = next((n for n in servers if _has_settings(settings[n])), servers[0])
    own = settings[service]
    others = {name: said for name, said in settings.items() if name not in servers}
    variable = _url_variable(others)
    users = tuple(name for name, said in others.items() if variable in said)
    users = users or tuple(n for n in others if service in (bodies[n].get("depends_on") or ()))
    if not users:
        return None
    migrates, seen = _migrating(bodies, users, directory)
    return FoundDatabase(
        service=service,
        name=own.get("POSTGRES_DB") or own.get("POSTGRES_USER") or "postgres",
        users=users,
        migrates=migrates,
        url_variable=variable,
        config=_config(bodies[migrates]),
        seen=seen,
        proxy=find_proxy(bodies, directory, expand),
    )


def _is_server(
    name: str, body: Mapping[str, Any], settings: Mapping[str, Mapping[str, str]], expand: Expand
) -> bool:
    image = expand(str(body.get("image", ""))).partition("@")[0].rpartition("/")[2]
    if image.partition(":")[0] in SERVERS:
        return True
    # An image of the team's own, or another vendor's: its name and its settings tell.
    return _has_settings(settings[name]) and (name in NAMES or "postgres" in image)


def _has_settings(settings: Mapping[str, str]) -> bool:
    return any(name.startswith(SETTING) for name in settings)


def _variables(body: Mapping[str, Any], directory: Path, expand: Expand) -> dict[str, str]:
    """What the service finds in its environment, as far as the files tell."""
    found: dict[str, str] = {}
    for path in _env_files(body):
        values = dotenv_values(directory / path, interpolate=False)
        found |= {name: expand(value or "") for name, value in values.items()}
    said = body.get("environment") or {}
    pairs = said.items() if isinstance(said, dict) else (str(s).partition("=")[::2] for s in said)
    # A name without a value takes what the env file of the project has.
    found |= {str(n): expand(str(v if v not in (None, "") else f"${{{n}}}")) for n, v in pairs}
    return found


def _env_files(body: Mapping[str, Any]) -> Iterator[str]:
    said = body.get("env_file") or ()
    for one in said if isinstance(said, list) else [said]:
        if one:
            yield str(one.get("path", "") if isinstance(one, dict) else one)


def _url_variable(settings: Mapping[str, Mapping[str, str]]) -> str:
    """The usual name where anybody has it, else the first that holds an address of one."""
    if any(URL_VARIABLE in said for said in settings.values()):
        return URL_VARIABLE
    found = (n for said in settings.values() for n, value in said.items() if ADDRESS.match(value))
    return next(found, URL_VARIABLE)


def _migrating(bodies: Bodies, users: tuple[str, ...], directory: Path) -> tuple[str, str]:
    """Whose image has the migrations, and what said so."""
    for name in users:
        if "alembic" in _words(bodies[name]):
            return name, "command"
    for name in _likely_first(users):
        build = bodies[name].get("build")
        context = build.get("context", ".") if isinstance(build, dict) else build
        if context and (directory / str(context) / DEFAULT_CONFIG).is_file():
            return name, DEFAULT_CONFIG
    # Beside the Compose file, or a folder below it: somebody of them has it, and it is Alembic.
    seen = next(iter([*directory.glob(DEFAULT_CONFIG), *directory.glob(f"*/{DEFAULT_CONFIG}")]), "")
    return _likely_first(users)[0], str(seen and DEFAULT_CONFIG)


def _likely_first(users: tuple[str, ...]) -> list[str]:
    return sorted(users, key=lambda n: LIKELY.index(n) if n in LIKELY else len(LIKELY))


def _config(body: Mapping[str, Any]) -> str:
    found = CONFIG.search(_words(body))
    return found["path"] if found else DEFAULT_CONFIG


def _words(body: Mapping[str, Any]) -> str:
    said = [body.get("entrypoint") or "", body.get("command") or ""]
    return " ".join(" ".join(map(str, s)) if isinstance(s, list) else str(s) for s in said)
