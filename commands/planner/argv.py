"""The exact Compose command lines of one environment, as data.

Options are those of docker-compose 1.29 and Compose 2.x; the embedded engine reads v2's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from commands.domain.naming import ROLLBACK, application
from commands.domain.plan import CommandLine
from commands.domain.runbook import Compose, Own

DEFAULT_ENV_FILE = ".env"


def program(compose: Compose) -> tuple[str, ...]:
    """The words that start Compose of this generation."""
    return ("docker-compose",) if compose.generation == "v1" else ("docker", "compose")


def project(compose: Compose) -> tuple[str, ...]:
    """Program, project and files, up to where the subcommand begins.

    The files are named one by one, so that Compose's own search for an override file is off;
    an override file that holds our pins is therefore named too, last, so that it wins.
    """
    files = list(compose.files)
    if compose.pin == "override" and compose.override_file not in files:
        files.append(compose.override_file)
    words = [*program(compose), "-p", compose.project]
    for file in files:
        words += ["-f", file]
    # Naming a file that is not there is an error; the default one is read if it is there.
    if compose.env_file != DEFAULT_ENV_FILE:
        words += ["--env-file", compose.env_file]
    return tuple(words)


def switch(compose: Compose, compose_services: Iterable[str]) -> CommandLine:
    """Run the pinned images of exactly these services, side by side (H21: nothing else).

    The pin alone decides which image that is, so the same line switches forth and back.
    `--no-build`: a rollback never builds. `--pull never` (v2 only; v1 has no such option): the
    approved digest was tagged here, and a tag moved in the registry since must not win.
    """
    never_pull = () if compose.generation == "v1" else ("--pull", "never")
    options = ("up", "-d", "--no-deps", "--no-build", *never_pull)
    return _in(compose, (*project(compose), *options, *compose_services))


def stop(compose: Compose, compose_services: Iterable[str]) -> CommandLine:
    """Stop exactly these services: the way back for what did not run before."""
    return _in(compose, (*project(compose), "stop", *compose_services))


def one_off(
    compose: Compose,
    compose_service: str,
    program: tuple[str, ...],
    *,
    url_variable: str,
    lock_timeout_s: float,
    variables: Mapping[str, str],
) -> CommandLine:
    """Run a program in a container of its own with the service's image and settings (H1).

    The image's own entry point is left out: it may migrate, or start the service. The address of
    the database goes by name only. `variables` decide the version where Compose reads it; a plain
    `run` publishes no port and starts nothing else.
    """
    lock_timeout_ms = round(lock_timeout_s * 1000)
    options = (
        *("run", "--rm", "--no-deps", "-T", "--label", f"rollbot.rollback={ROLLBACK}"),
        *("-e", f"PGAPPNAME={application(ROLLBACK)}"),
        *("-e", f"PGOPTIONS=-c lock_timeout={lock_timeout_ms}"),
        *("-e", url_variable, "--entrypoint", program[0]),
    )
    argv = (*project(compose), *options, compose_service, *program[1:])
    return CommandLine(
        argv=argv,
        directory=compose.directory,
        environment=dict(variables),
        secrets=(url_variable,),
    )


def own(compose: Compose, command: Own) -> CommandLine:
    """The customer's own command, in its directory or else the project's."""
    return CommandLine(argv=command.argv, directory=command.directory or compose.directory)


def _in(compose: Compose, argv: tuple[str, ...]) -> CommandLine:
    return CommandLine(argv=argv, directory=compose.directory)
