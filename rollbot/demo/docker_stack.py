"""Samokoder on real containers: the machine's Docker and Compose, images made on the spot.

An image holds nothing but labels and a command line; its container sees this machine's Python and
rollbot read-only. So nothing is downloaded, and only a Docker on this very machine will do.
"""

from __future__ import annotations

import io
import secrets
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import docker
from docker.errors import DockerException, ImageNotFound

import rollbot
from commands.settings import child_environment
from rollbot.demo.images import REVISION_LABEL, VERSION_LABEL
from rollbot.demo.places import SERVICES, Places
from rollbot.demo.project_files import RELEASES, STORES, pin, write_project
from rollbot.demo.stack import NoDockerError

_COMPOSE_S = 120
_INSIDE_PORT = 8000


@dataclass(slots=True)
class DockerStack:
    """Project, images and containers carry a name of their own; closing removes exactly those."""

    places: Places
    project: str = field(default_factory=lambda: f"samokoder-{secrets.token_hex(4)}")
    generation: str = field(init=False, default="v2")
    _engine: docker.DockerClient = field(init=False)
    _made: list[str] = field(default_factory=list)

    def start(self) -> None:
        """Make the images and write the project. Raises NoDockerError."""
        try:
            self._engine = docker.from_env(timeout=30)
            self._engine.ping()
        except DockerException as error:
            raise NoDockerError(why=str(error)) from error
        self.generation = _generation()
        for service in SERVICES:
            for release in RELEASES:
                self._make(self.repository(service), release.version, service, release.revision)
        for service, (store, tag) in STORES.items():
            self._make(f"{self._registry}/{store}", tag, service, "")
        write_project(self.places, self.repository, self._registry, tuple(_mounts()))

    @property
    def _registry(self) -> str:
        # Nobody listens there: a look for newer tags is refused at once, never sent to a stranger.
        return f"localhost:{self.places.engine_port}/{self.project}"

    def repository(self, service: str) -> str:
        """In no registry: the images are on this machine only."""
        return f"{self._registry}/samokoder-{service}"

    def compose(self) -> Mapping[str, object]:
        """The machine's own Compose, the newer one if both are there."""
        return {"generation": self.generation, "project": self.project}

    def deploy(self, version: str, services: tuple[str, ...]) -> None:
        """Pin, `up`. Raises NoDockerError with Compose's words when it fails."""
        pin(self.places.project, version)
        self._compose("up", "-d", "--no-build", *services)

    def close(self) -> None:
        """Remove the project's containers and networks, and the images. Safe to repeat."""
        if not self._made:
            return
        if (self.places.project / ".env").exists():
            self._compose("down", "-t", "0", "--volumes")
        for reference in self._made:
            try:
                self._engine.images.remove(reference, force=True)
            except ImageNotFound:
                continue
        self._made.clear()
        self._engine.close()

    def _make(self, repository: str, version: str, service: str, revision: str) -> None:
        words = [sys.executable, "-m", "rollbot.demo.samokoder", "--host", "0.0.0.0"]  # noqa: S104
        words += ["--service", service, "--version", version, "--revision", revision or "none"]
        if service in SERVICES:
            words += ["--port", str(_INSIDE_PORT)]
        command = ", ".join(f'"{word}"' for word in words)
        changes = [
            f"CMD [{command}]",
            f"LABEL {VERSION_LABEL}={version} {REVISION_LABEL}={revision or 'none'}",
            f"ENV PYTHONPATH={Path(rollbot.__file__).parents[1]} PYTHONDONTWRITEBYTECODE=1",
        ]
        self._engine.api.import_image_from_data(
            _empty_image(), repository=repository, tag=version, changes=changes
        )
        self._made.append(f"{repository}:{version}")

    def _compose(self, *words: str) -> None:
        argv = (*_program(self.generation), "-p", self.project, *words)
        done = subprocess.run(
            argv,
            cwd=self.places.project,
            env=child_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_COMPOSE_S,
            check=False,
        )
        if done.returncode != 0:
            raise NoDockerError(why=done.stderr[-1024:])


def _program(generation: str) -> tuple[str, ...]:
    return ("docker", "compose") if generation == "v2" else ("docker-compose",)


def _generation() -> str:
    """v2 where it answers, else v1. Raises NoDockerError."""
    for generation in ("v2", "v1"):
        program = _program(generation)
        if shutil.which(program[0]) is None:
            continue
        answer = subprocess.run(
            (*program, "version"), env=child_environment(), capture_output=True, check=False
        )
        if answer.returncode == 0:
            return generation
    raise NoDockerError(why="docker compose, docker-compose: not found")


def _empty_image() -> bytes:
    """A root file system of empty folders: Docker wants at least one entry."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name in ("tmp", "etc", "proc", "sys", "dev"):
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(folder)
    return buffer.getvalue()


def _mounts() -> Iterator[str]:
    """The folders that this Python lives in, outermost ones only."""
    package = Path(rollbot.__file__).parents[1]
    wanted = {Path(p) for p in ("/usr", "/lib", "/lib64", sys.prefix, sys.base_prefix)} | {package}
    for folder in sorted(wanted):
        if folder.is_dir() and not any(other in folder.parents for other in wanted):
            yield str(folder)
