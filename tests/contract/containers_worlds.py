"""The engines that the `Containers` contract is run on, each with the same small project.

The project: `api` (v1.2.3 runs; v1.2.2 and v1.3.0 wait in the registry, not here) and a stateful
`db`. The version of api is read from `APP_VERSION` in `.env`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from commands.domain.plan import CommandLine
from commands.domain.runbook import Compose
from commands.ports import Containers
from tests.engines.embedded import REPOSITORY, EmbeddedEngine
from workers.adapters.process import EmbeddedContainers


class ContainersWorld(Protocol):
    """What the contract needs of an engine besides the port itself."""

    repository: str

    @property
    def containers(self) -> Containers:
        """The port under test."""
        ...

    def pin(self, version: str) -> None:
        """Write APP_VERSION into the project's `.env`."""
        ...

    def up(self) -> CommandLine:
        """The command line that recreates api, and api alone."""
        ...

    def go_away(self) -> None:
        """End the engine, so that nothing answers any more."""
        ...


class EmbeddedWorld:
    """The demo's engine."""

    def __init__(self, directory: Path) -> None:
        self.engine = EmbeddedEngine(directory)
        self.engine.deploy("v1.2.3")
        self.repository = REPOSITORY
        compose = Compose(
            generation="embedded",
            project="project",
            directory=str(self.engine.project),
            engine_url=self.engine.url,
        )
        self.containers = EmbeddedContainers(compose)

    def pin(self, version: str) -> None:
        self.engine.pin(version)

    def up(self) -> CommandLine:
        return CommandLine(argv=("docker-compose", "up", "-d", "--no-deps", "--no-build", "api"))

    def go_away(self) -> None:
        self.engine.kill9()

    def close(self) -> None:
        self.containers.close()
        self.engine.close()


def embedded(directory: Path) -> Iterator[ContainersWorld]:
    world = EmbeddedWorld(directory)
    yield world
    world.close()
