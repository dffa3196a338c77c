"""Reads a Compose project as Compose does: files, `.env`, variables, the command line.

A subset of the Compose specification (interpolation, `.env` precedence, merging of `-f` files),
enough for what a rollback types; an argument that it does not know is an error, not ignored.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NoReturn

from dotenv import dotenv_values
from pydantic import Field, JsonValue
from ruamel.yaml import YAML

from rollbot.demo.images import Record
from rollbot.demo.interpolation import InterpolationError, fill_in

_DEFAULT_FILES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
_OVERRIDE_FILES = ("compose.override.yml", "docker-compose.override.yml")


class ComposeError(Exception):
    """What Compose would print before it exits with a code other than 0."""

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class ServiceSpec(Record):
    """One service of the project, with every variable filled in."""

    name: str
    container_name: str
    image: str
    port: int | None
    config_hash: str
    environment: dict[str, str] = Field(default_factory=dict)


class Project(Record):
    """The whole project as Compose would resolve it now."""

    name: str
    services: dict[str, ServiceSpec]

    def named(self, names: list[str]) -> list[ServiceSpec]:
        """These services, all of them if none is named. Raises ComposeError on a stranger."""
        for name in names:
            if name not in self.services:
                raise ComposeError(f"no such service: {name}")
        return [self.services[name] for name in names or self.services]


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ComposeError(message, exit_code=16)


def parse_command_line(argv: Iterable[str], *, run: bool = True) -> argparse.Namespace:
    """`docker-compose …` or `docker compose …` → its options. Raises ComposeError on others.

    Without `run` that command is one of the others.
    """
    words = list(argv)
    if words and Path(words[0]).name == "docker-compose":
        words = words[1:]
    elif len(words) > 1 and (Path(words[0]).name, words[1]) == ("docker", "compose"):
        words = words[2:]
    else:
        raise ComposeError(f"not a Compose command line: {words}", exit_code=127)
    options = _command_line().parse_args(words)
    if options.command == "run" and not run:
        raise ComposeError("`run` is a one-off program, not a change", exit_code=16)
    return options


def _command_line() -> _Parser:
    parser = _Parser(prog="docker-compose", add_help=False, allow_abbrev=False)
    parser.add_argument("-p", "--project-name")
    parser.add_argument("-f", "--file", action="append", dest="files", default=[])
    parser.add_argument("--project-directory")
    parser.add_argument("--env-file", action="append", dest="env_files", default=[])
    parser.add_argument("--ansi", "--progress", dest="style")
    parser.add_argument("--no-ansi", action="store_true")
    commands = parser.add_subparsers(dest="command", required=True, parser_class=_Parser)
    up = commands.add_parser("up", add_help=False, allow_abbrev=False)
    for flag in ("-d", "--detach"):
        up.add_argument(flag, action="store_true", dest="detach")
    for flag in ("--no-deps", "--no-build", "--force-recreate", "--no-color", "--quiet-pull"):
        up.add_argument(flag, action="store_true")
    up.add_argument("-t", "--timeout", type=int, default=10)
    up.add_argument("--pull", choices=("always", "missing", "never"), default="missing")
    pull = commands.add_parser("pull", add_help=False, allow_abbrev=False)
    pull.add_argument("-q", "--quiet", action="store_true")
    stop = commands.add_parser("stop", add_help=False, allow_abbrev=False)
    stop.add_argument("-t", "--timeout", type=int, default=10)
    for command in (up, pull, stop):
        command.add_argument("services", nargs="*")
    run = commands.add_parser("run", add_help=False, allow_abbrev=False)
    for flag in ("--rm", "--no-deps", "-T"):
        run.add_argument(flag, action="store_true")
    run.add_argument("-e", "--env", action="append", dest="variables", default=[])
    run.add_argument("-l", "--label", action="append", dest="labels", default=[])
    run.add_argument("--entrypoint", required=True)
    run.add_argument("service")
    run.add_argument("arguments", nargs=argparse.REMAINDER)
    return parser


def load(options: argparse.Namespace, directory: Path, environment: Mapping[str, str]) -> Project:
    """The project that these options name; relative paths start at `directory`.

    A variable of the process's own environment wins over `.env`, as in Compose.
    """
    root = directory / (options.project_directory or "")
    files = [directory / name for name in options.files] or _default_files(root)
    variables = {**_env_files(options.env_files, directory, root), **environment}
    services: dict[str, dict[str, Any]] = {}
    for path in files:
        for name, body in _read(path).get("services", {}).items():
            services[name] = {**services.get(name, {}), **body}
    project = options.project_name or variables.get("COMPOSE_PROJECT_NAME") or root.resolve().name
    try:
        bodies = {name: _filled_in(body, variables) for name, body in services.items()}
    except InterpolationError as error:
        raise ComposeError(str(error), exit_code=15) from error
    specs = {name: _service(project, name, body) for name, body in bodies.items()}
    return Project(name=project, services=specs)


def _default_files(root: Path) -> list[Path]:
    found = [root / name for name in _DEFAULT_FILES if (root / name).is_file()][:1]
    if not found:
        raise ComposeError(f"no configuration file provided: not found in {root}", exit_code=14)
    return found + [root / name for name in _OVERRIDE_FILES if (root / name).is_file()]


def _env_files(names: list[str], directory: Path, root: Path) -> dict[str, str]:
    values: dict[str, str] = {}
    for path in [directory / name for name in names] or [root / ".env"]:
        read = dotenv_values(path, interpolate=False)
        values |= {key: value for key, value in read.items() if value is not None}
    return values


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise ComposeError(f"open {path}: no such file or directory", exit_code=14)
    content = YAML(typ="safe").load(path)
    return content if isinstance(content, dict) else {}


def _service(project: str, name: str, body: JsonValue) -> ServiceSpec:
    if not isinstance(body, dict) or not isinstance(body.get("image"), str):
        raise ComposeError(f"service {name!r} has no image", exit_code=15)
    published = body.get("ports")
    ports = [str(port).split(":") for port in published] if isinstance(published, list) else []
    canonical = json.dumps(body, sort_keys=True, default=str)
    return ServiceSpec(
        name=name,
        container_name=str(body.get("container_name", f"{project}-{name}-1")),
        image=str(body["image"]),
        port=int(ports[0][-2]) if ports else None,
        config_hash=hashlib.sha256(canonical.encode()).hexdigest(),
        environment=_variables(body.get("environment")),
    )


def _variables(said: JsonValue) -> dict[str, str]:
    """`environment:` of a service, in either of the two ways to write it."""
    if isinstance(said, dict):
        return {name: str(value) for name, value in said.items() if value is not None}
    lines = said if isinstance(said, list) else []
    return {name: value for name, found, value in (str(v).partition("=") for v in lines) if found}


def _filled_in(value: JsonValue, variables: Mapping[str, str]) -> JsonValue:
    match value:
        case str():
            return fill_in(value, variables)
        case dict():
            return {key: _filled_in(item, variables) for key, item in value.items()}
        case list():
            return [_filled_in(item, variables) for item in value]
        case _:
            return value
