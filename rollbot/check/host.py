"""The host: engine, Compose, containers, images to return to, health, own commands."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from commands.domain.errors import EngineError, RegistryUnavailableError
from commands.domain.image_reference import ImageReference
from commands.domain.plan import CommandLine
from commands.planner.argv import program
from commands.planner.pins import compose_name
from rollbot.check.finding import Check, Finding, Ground, Level, green, red, yellow
from workers.steps.ports import Ports

ANSWER_S = 5.0
ROOM_BYTES = 2 * 2**30
WELL = range(200, 300)


def engine_answers(ground: Ground) -> Iterator[Finding]:
    """The container engine is there and has room for an image."""
    containers = ground.ports.containers
    yield green("ready.engine_answers", version=containers.ping())
    free = containers.disk_free_bytes()
    if free is not None and free < ROOM_BYTES:
        yield yellow("ready.engine_disk_low", free_gib=free / 2**30)


def compose_answers(ground: Ground) -> Iterator[Finding]:
    """The Compose that the runbook names is installed and reads the project's files."""
    compose = ground.definition.compose
    if compose.generation == "embedded" or not Path(compose.directory).is_dir():
        return
    words = program(compose)
    line = CommandLine(argv=(*words, "version"), directory=compose.directory)
    outcome = ground.ports.containers.compose(line, ANSWER_S)
    if outcome.exit_code != 0:
        yield red("ready.compose_missing", program=" ".join(words), tail=outcome.tail)
    else:
        yield green("ready.compose_answers", program=" ".join(words))


def project_files(ground: Ground) -> Iterator[Finding]:
    """The Compose files are there and read the variables that pin versions (H6)."""
    compose = ground.definition.compose
    paths = [Path(compose.directory, file) for file in compose.files]
    missing = tuple(str(path) for path in paths if not path.is_file())
    if missing:
        yield red("ready.compose_file_missing", files=missing)
        return
    if compose.pin != "variable":
        yield green("ready.compose_files_there", files=compose.files)
        return
    said = "\n".join(path.read_text("utf-8", errors="replace") for path in paths)
    for name in ground.services:
        variable = ground.runbook.services[name].version_variable
        if not re.search(rf"\${{?{re.escape(variable)}\b", said):
            yield red("ready.variable_unread", service=name, variable=variable)
        else:
            yield green("ready.variable_read", service=name, variable=variable)


def services_run(ground: Ground) -> Iterator[Finding]:
    """Each service runs, from the image that the runbook names."""
    for name in ground.services:
        service = ground.runbook.services[name]
        running = ground.ports.containers.running(compose_name(name, service))
        if running is None:
            yield red("ready.no_container", service=name)
        elif running.state != "running":
            yield red("ready.not_running", service=name, state=running.state)
        elif _repository(running.reference) not in ("", service.image):
            yield red(
                "ready.other_image", service=name, image=running.reference, wanted=service.image
            )
        else:
            yield green("ready.runs", service=name, version=running.version)


def targets_exist(ground: Ground) -> Iterator[Finding]:
    """There is somewhere to go back to (H19), here or in the registry."""
    containers = ground.ports.containers
    for name in ground.services:
        service = ground.runbook.services[name]
        running = containers.running(compose_name(name, service))
        now = running.version if running else ""
        local = {image.version for image in containers.local_images(service.image)}
        try:
            kept = set(containers.registry_tags(service.image))
        except RegistryUnavailableError as error:
            kept = set()
            yield Finding(Level.RED, error.text)
        targets = sorted((local | kept) - {now})
        if not targets:
            yield red("ready.nowhere_to_return", service=name, image=service.image)
        elif not kept:
            yield yellow("ready.local_only", service=name, n=len(targets))
        else:
            yield green("ready.targets", service=name, n=len(targets))


def health_answers(ground: Ground) -> Iterator[Finding]:
    """Each service's health, version and metrics addresses answer well, now."""
    for name in ground.services:
        service = ground.runbook.services[name]
        if not service.health_url:
            yield yellow("ready.no_health_url", service=name)
        else:
            yield from _answers(ground.ports, name, service.health_url, Level.RED)
        for url in (service.version_url, service.metrics_url):
            if url:
                yield from _answers(ground.ports, name, url, Level.YELLOW)


def own_commands(ground: Ground) -> Iterator[Finding]:
    """The customer's own checks can be started."""
    compose = ground.definition.compose
    for own in ground.definition.smoke:
        program_name = own.argv[0]
        directory = own.directory or compose.directory
        if not Path(directory).is_dir():
            yield red("ready.directory_missing", command=program_name, path=directory)
        elif not _startable(program_name, directory):
            yield red("ready.command_missing", command=program_name)
        else:
            yield green("ready.command_there", command=program_name)


def history_known(ground: Ground) -> Iterator[Finding]:
    """Git can tell which commits a rollback undoes."""
    repository = ground.definition.repository
    if not repository:
        yield yellow("ready.no_repository", environment=ground.environment)
    elif tags := ground.ports.history.tags():
        yield green("ready.git_tags", path=repository, n=len(tags))
    else:
        yield yellow("ready.no_git_tags", path=repository)


def _answers(ports: Ports, service: str, url: str, worst: Level) -> Iterator[Finding]:
    try:
        answer = ports.web.get(url, ANSWER_S)
    except EngineError as error:
        said = red("ready.url_silent", service=service, url=url, why=error.facts.get("why"))
        yield Finding(worst, said.text)
        return
    if answer.status in WELL:
        yield green("ready.url_well", service=service, url=url)
    else:
        said = red("ready.url_unwell", service=service, url=url, status=answer.status)
        yield Finding(worst, said.text)


def _repository(reference: str) -> str:
    """The repository of an image reference; "" for a bare id, which names none."""
    try:
        return ImageReference.parse(reference).repository
    except ValueError:
        return ""


def _startable(program_name: str, directory: str) -> bool:
    path = Path(directory, program_name) if "/" in program_name else shutil.which(program_name)
    return path is not None and os.access(path, os.X_OK)


CHECKS: tuple[Check, ...] = (
    engine_answers,
    compose_answers,
    project_files,
    services_run,
    targets_exist,
    health_answers,
    own_commands,
    history_known,
)
