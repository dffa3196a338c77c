"""The engines that the `Containers` contract is run on, each with the same small project.

The project: `api` (v1.2.3 runs; v1.2.2 and v1.3.0 wait in the registry, not here) and a stateful
`db`. The version of api is read from `APP_VERSION` in `.env`.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from secrets import token_hex
from typing import Protocol

import docker

from commands.domain.errors import CommandTimedOutError
from commands.domain.plan import CommandLine
from commands.domain.runbook import Compose
from commands.ports import Containers, OneOffOutcome
from tests.engines.embedded import REPOSITORY, EmbeddedEngine
from tests.engines.found import address_of
from tests.fakes.containers import FakeContainers, FakeImage
from tests.stack.compose import Compose as Program
from tests.stack.compose import compose_v1, compose_v2
from tests.stack.forwarder import Forwarder
from tests.stack.images import Images
from tests.stack.project import Samokoder
from workers.adapters.compose import DockerContainers
from workers.adapters.process import EmbeddedContainers
from workers.adapters.surroundings import Surroundings

SECRET = "DATABASE_URL"
"""The variable that one-off programs are given."""


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

    def one_off(self, *words: str) -> CommandLine:
        """The command line of a one-off program with api's image, labelled as RB-1's."""
        ...

    def secret(self) -> tuple[str, str]:
        """A variable of api's container, and its value."""
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

    def one_off(self, *words: str) -> CommandLine:
        return CommandLine(argv=("docker-compose", *one_off_words(*words)), secrets=(SECRET,))

    def secret(self) -> tuple[str, str]:
        return "DATABASE_URL", "postgresql://samokoder:canary-in-memory@db/samokoder"

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


class FakeWorld:
    """The engine in memory that other tests are made with."""

    repository = "registry:5000/samokoder/api"

    def __init__(self) -> None:
        self.version = "v1.2.3"
        self.containers = FakeContainers(lambda _: f"{self.repository}:{self.version}")
        for tag in ("v1.2.2", "v1.2.3", "v1.3.0"):
            self.containers.publish(FakeImage.of(self.repository, tag))
        self.containers.start("api", FakeImage.of(self.repository, "v1.2.3"))
        self.containers.start("db", FakeImage.of("postgres", "15"))
        self.containers.played = played

    def pin(self, version: str) -> None:
        self.version = version

    def one_off(self, *words: str) -> CommandLine:
        return CommandLine(argv=("docker", "compose", *one_off_words(*words)), secrets=(SECRET,))

    def secret(self) -> tuple[str, str]:
        self.containers.variables["api"] = {"SECRET_KEY": "canary"}
        return "SECRET_KEY", "canary"

    def up(self) -> CommandLine:
        return CommandLine(argv=("docker", "compose", "up", "-d", "--no-deps", "api"))

    def go_away(self) -> None:
        self.containers.away = True


class DockerWorld:
    """The real engine with one Compose generation, reached by a way that can be cut."""

    def __init__(self, directory: Path, program: Program, images: Images) -> None:
        self.project = Samokoder(program, images, directory)
        self.project.write("v1.2.3")
        program.run(directory, "up", "-d", "db")
        # The services that a service depends on are part of its hash in Compose 2: had it been
        # started with them, the first `up --no-deps` would recreate it although nothing changed.
        program.run(directory, "up", "-d", "--no-deps", "api")
        self.repository = f"{images.prefix}/samokoder-api"
        self.way = Forwarder(directory, address_of("docker"))
        self.containers = docker_containers(self.project, self.way.url)

    def pin(self, version: str) -> None:
        self.project.pin("APP_VERSION", version)

    def one_off(self, *words: str) -> CommandLine:
        argv = (*self.project.compose.argv, *one_off_words(*words))
        return CommandLine(argv=argv, secrets=(SECRET,))

    def secret(self) -> tuple[str, str]:
        return "SECRET_KEY", self.project.canaries["SECRET_KEY"]

    def up(self) -> CommandLine:
        return up(self.project, "api")

    def go_away(self) -> None:
        self.way.cut()

    def close(self) -> None:
        self.containers.close()
        self.way.cut()
        self.project.down()
        leave_only_what_runs(self.project.images)


def published() -> Iterator[Images]:
    """Images of this suite's own: what other tests pull, run and remove is not seen here."""
    engine = docker.DockerClient(base_url=address_of("docker"))
    images = Images(engine, address_of("registry"), f"contract-{token_hex(4)}")
    for service, tag in (("api", "v1.2.2"), ("api", "v1.2.3"), ("api", "v1.3.0")):
        images.publish(service, tag, note=images.namespace)
    images.publish("worker", "v1.2.2", note=images.namespace)
    leave_only_what_runs(images)
    yield images
    images.discard()
    engine.close()


def leave_only_what_runs(images: Images) -> None:
    """As on a host before a rollback: other releases are in the registry only."""
    for tag in ("v1.2.2", "v1.3.0"):
        if images.engine.images.list(name=images.reference("api", tag)):
            images.unpull("api", tag)


def docker_containers(project: Samokoder, engine_url: str = "") -> DockerContainers:
    """The port on one project of the tests' stack."""
    compose = Compose(
        generation="v1" if project.compose.generation == "v1" else "v2",
        project=project.name,
        directory=str(project.directory),
        engine_url=engine_url or project.compose.environment["DOCKER_HOST"],
    )
    return DockerContainers(compose, Surroundings(project.compose.environment))


def up(project: Samokoder, *services: str) -> CommandLine:
    """The command line that recreates these services alone."""
    argv = (*project.compose.argv, "up", "-d", "--no-deps", "--no-build", *services)
    return CommandLine(argv=argv)


def one_off_words(program: str, *words: str) -> tuple[str, ...]:
    """The words after Compose's own name, in the order of the planner's."""
    options = ("run", "--rm", "--no-deps", "-T", "--label", "rollbot.rollback=RB-1")
    return (*options, "-e", SECRET, "--entrypoint", program, "api", *words)


def played(words: tuple[str, ...], secrets: Mapping[str, str], timeout_s: float) -> OneOffOutcome:
    """Run a one-off program's Python here: what the engine in memory stands in for."""
    argv = [sys.executable, "-c", words[-1]]
    try:
        done = subprocess.run(
            argv, env=dict(secrets), capture_output=True, timeout=timeout_s, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise CommandTimedOutError("python3", timeout_s) from error
    said = done.stdout.decode()
    for name, value in secrets.items():
        said = said.replace(value, f"<{name}>")
    return OneOffOutcome(done.returncode, said, said[-1024:], 0.1)


def docker_v1(directory: Path, images: Images) -> Iterator[ContainersWorld]:
    world = DockerWorld(directory, compose_v1(), images)
    yield world
    world.close()


def docker_v2(directory: Path, images: Images) -> Iterator[ContainersWorld]:
    world = DockerWorld(directory, compose_v2(), images)
    yield world
    world.close()
