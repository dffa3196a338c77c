"""What is pinned in a file is what the next `up` by anyone runs, on both Compose generations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from commands.domain.plan import Pin
from commands.domain.runbook import Compose as Definition
from commands.planner import argv
from tests.stack.compose import Compose
from tests.stack.fixtures import SamokoderFactory
from tests.stack.project import Samokoder
from workers.adapters.compose import DockerContainers
from workers.adapters.config_files import FilesOnDisk
from workers.adapters.surroundings import Surroundings

BAD, GOOD = "v1.3.0", "v1.2.3"
OVERRIDE = "docker-compose.override.yml"


class Host(NamedTuple):
    """A project that runs the bad release, its definition and the ports on it."""

    project: Samokoder
    definition: Definition
    containers: DockerContainers
    files: FilesOnDisk

    def versions(self) -> dict[str, str]:
        releases = {name: self.containers.running(name) for name in ("api", "worker")}
        return {name: release.version for name, release in releases.items() if release}

    def switch(self, *services: str) -> None:
        """The plan's own command line."""
        outcome = self.containers.compose(argv.switch(self.definition, services), timeout_s=60)
        assert outcome.exit_code == 0, outcome.tail


@pytest.fixture(params=["variable", "override"])
def host(
    request: pytest.FixtureRequest, samokoder: SamokoderFactory, compose: Compose
) -> Iterator[Host]:
    """Each way of pinning, on each generation."""
    project = samokoder(compose, BAD, start=False)
    # Many Compose files still carry a version, and 1.29 merges only what agrees on it.
    project.compose_file.write_text('version: "3.8"\n' + project.compose_file.read_text())
    compose.run(project.directory, "up", "-d", "--no-deps", "api", "worker")
    definition = Definition(
        generation="v1" if compose.generation == "v1" else "v2",
        project=project.name,
        directory=str(project.directory),
        pin=request.param,
        engine_url=compose.environment["DOCKER_HOST"],
    )
    containers = DockerContainers(definition, Surroundings(compose.environment))
    yield Host(project, definition, containers, FilesOnDisk(project.directory))
    containers.close()


def pin(host: Host, version: str) -> Pin:
    if host.definition.pin == "variable":
        return Pin(kind="variable", path=".env", name="APP_VERSION", value=version)
    image = host.project.images.reference("api", version)
    return Pin(kind="override", path=OVERRIDE, name="api", value=image)


def test_a_pin_outlives_the_rollback(host: Host) -> None:
    """A bare `up -d` by a person keeps the release (H6); an override moves nobody else (H7)."""
    host.files.write_pin(pin(host, GOOD), ".rollbot/kept")
    host.switch("api")
    assert host.versions() == {"api": GOOD, "worker": BAD}

    host.project.compose.run(host.project.directory, "up", "-d", "--no-deps", "api", "worker")

    shared = host.definition.pin == "variable"
    assert host.versions() == {"api": GOOD, "worker": GOOD if shared else BAD}


def test_a_pin_taken_back_brings_the_earlier_release_back(host: Host) -> None:
    """The way back is the same command line; what it leaves, a person's `up` can read too."""
    earlier = host.files.pinned(pin(host, GOOD))
    host.files.write_pin(pin(host, GOOD), ".rollbot/kept")
    host.switch("api")

    if earlier is None:
        host.files.remove_pin(pin(host, GOOD))
    else:
        host.files.write_pin(pin(host, earlier), ".rollbot/kept")
    host.switch("api")

    assert host.versions() == {"api": BAD, "worker": BAD}
    host.project.compose.run(host.project.directory, "config", "-q")
