"""The two Compose generations, called as a person would call them."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.engines.found import address_of


@dataclass(frozen=True, slots=True)
class Compose:
    """How one generation is called."""

    generation: str
    argv: tuple[str, ...]
    environment: Mapping[str, str]
    """All that the process gets: nothing of the test run's own environment leaks in."""

    def run(self, directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one command in the project's folder; raises CalledProcessError when it fails."""
        done = self.attempt(directory, *arguments)
        assert done.returncode == 0, f"{done.args} ended with {done.returncode}:\n{done.stderr}"
        return done

    def attempt(self, directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one command, whatever its exit code will be."""
        return subprocess.run(
            [*self.argv, *arguments],
            cwd=directory,
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )


def compose_v1() -> Compose:
    """Compose 1.29, the one that the runbook types."""
    program = address_of("compose_v1")
    return Compose("v1", (program,), _environment())


def compose_v2() -> Compose:
    """Compose 2 as a plugin of the Docker client."""
    docker_config = address_of("compose_v2")
    client = shutil.which("docker") or "docker"
    return Compose("v2", (client, "compose"), _environment() | {"DOCKER_CONFIG": docker_config})


def _environment() -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/"),
        "DOCKER_HOST": address_of("docker"),
    }
