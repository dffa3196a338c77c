"""What the core needs of a container engine and of Compose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from commands.domain.facts import ImageDigest, ReleaseImage, RunningRelease
from commands.domain.plan import CommandLine


@dataclass(frozen=True, slots=True)
class ProgramOutcome:
    """How a program ended. `tail`: last <= 1,024 characters of its output, redacted."""

    exit_code: int
    tail: str
    seconds: float


@dataclass(frozen=True, slots=True)
class OneOffOutcome:
    """How a one-off program ended. `output` is its whole standard output, at most 8 MiB.

    `tail` as in ProgramOutcome, of both streams.
    """

    exit_code: int
    output: str
    tail: str
    seconds: float


class Containers(Protocol):
    """The container engine and Compose of one environment.

    Raises EngineUnavailableError, RegistryUnavailableError, ImageNotFoundError, DiskFullError,
    CommandFailedError, CommandTimedOutError.
    """

    def running(self, compose_service: str) -> RunningRelease | None:
        """What a service's newest container runs; None if there is no container.

        `service` of the result is `compose_service`. A stopped container is returned with its
        state ("exited", "created", "restarting", "running").
        """
        ...

    def local_images(self, repository: str) -> tuple[ReleaseImage, ...]:
        """The tagged images of a repository that are here, newest first."""
        ...

    def registry_tags(self, repository: str) -> tuple[str, ...]:
        """The tags a registry holds; empty when the repository is of no registry."""
        ...

    def registry_digest(self, repository: str, tag: str) -> ImageDigest | None:
        """The manifest digest of a tag without pulling it; None if the tag is not there."""
        ...

    def pull(self, repository: str, tag: str, digest: ImageDigest, timeout_s: float) -> None:
        """Have the image here under `repository:tag`, by digest. Safe to repeat."""
        ...

    def has_image(self, repository: str, tag: str, digest: ImageDigest) -> bool:
        """Whether `repository:tag` is here and is that very digest."""
        ...

    def remove_image(self, repository: str, tag: str) -> None:
        """Remove a local tag; an image in use or not there is left alone. Safe to repeat."""
        ...

    def compose(self, command: CommandLine, timeout_s: float) -> ProgramOutcome:
        """Run exactly this Compose command line in a clean environment (H6). Safe to repeat."""
        ...

    def one_off(
        self,
        command: CommandLine,
        timeout_s: float,
        secrets: Mapping[str, str],
        cpus: float | None = None,
    ) -> OneOffOutcome:
        """Run a Compose `run --rm` line and keep what it prints.

        `secrets` are the values of the names in `command.secrets`; they reach the container by
        environment and turn up in no output. When it takes too long the container itself is
        ended (killing its client does not), then CommandTimedOutError. `cpus`: it gets no more CPU
        than so much, as far as the engine can limit it; None: no limit.
        """
        ...

    def ask_image(
        self, repository: str, version: str, argv: tuple[str, ...], timeout_s: float
    ) -> OneOffOutcome:
        """Run a program in a local image by itself: no network, no Compose, removed afterwards.

        Raises ImageNotFoundError when the image is not here.
        """
        ...

    def variable(self, compose_service: str, name: str) -> str | None:
        """A variable of the service's newest container, running or stopped; None if not set.

        The value is a secret: it goes into a child's environment, and nowhere else.
        """
        ...

    def address(self, compose_service: str) -> str | None:
        """The address of the service's running container as this host reaches it; None if none."""
        ...

    def in_container(
        self, compose_service: str, argv: tuple[str, ...], environment: Mapping[str, str]
    ) -> tuple[str, ...]:
        """The command line that runs `argv` inside the running container, its streams attached.

        For programs that are piped (dump, restore): `docker exec -i`. The names in `environment`
        go by name only; the caller passes their values to the child process.
        """
        ...

    def settle(self, rollback_id: str, timeout_s: float) -> None:
        """Wait for, or end, what an earlier job process left running inside the engine."""
        ...

    def ping(self) -> str:
        """The engine's version. Raises EngineUnavailableError."""
        ...

    def disk_free_bytes(self) -> int | None:
        """Free space where images are kept; None when it cannot be told."""
        ...
