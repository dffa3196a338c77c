"""Where pg_dump, pg_restore and their like run: on this host, or in the server's own container."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from commands.domain.errors import CommandFailedError, CommandTimedOutError
from commands.domain.plan import CommandLine
from workers.adapters.piping import NICE
from workers.adapters.postgres.address import Address
from workers.adapters.surroundings import Surroundings

_ASK_S = 30.0
# `pg_dump (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`, `pg_dump (PostgreSQL) 18beta1`
_VERSION = re.compile(r"\(PostgreSQL\) (\d+)(?:\.(\d+))?")


class ClientPrograms(Protocol):
    """The server's client programs."""

    def argv(self, argv: tuple[str, ...], environment: Mapping[str, str]) -> tuple[str, ...]:
        """The command line that runs it, streams attached; values of variables not in it."""
        ...

    def address(self, address: Address) -> Address:
        """The server's address as those programs reach it."""
        ...

    def free_bytes(self, data_directory: str) -> int | None:
        """Room on the disk of the server's data; None when it cannot be told."""
        ...


@dataclass(frozen=True, slots=True)
class OnHost:
    """Programs of this host, for a managed server."""

    def argv(self, argv: tuple[str, ...], environment: Mapping[str, str]) -> tuple[str, ...]:
        """As it stands: found by PATH."""
        del environment
        return argv

    def address(self, address: Address) -> Address:
        """The same."""
        return address

    def free_bytes(self, data_directory: str) -> int | None:
        """A managed server's disk is not ours to see."""
        del data_directory
        return None


class Inside(Protocol):
    """The part of `commands.ports.Containers` that is needed of it."""

    def in_container(
        self, compose_service: str, argv: tuple[str, ...], environment: Mapping[str, str]
    ) -> tuple[str, ...]:
        """The command line that runs `argv` inside the running container."""
        ...


@dataclass(frozen=True, slots=True)
class InContainer:
    """Programs of the database's own container: always of the server's version."""

    containers: Inside
    service: str
    surroundings: Surroundings

    def argv(self, argv: tuple[str, ...], environment: Mapping[str, str]) -> tuple[str, ...]:
        """By `docker exec`, or whatever the engine calls it; beside the server, and after it."""
        lowered = ("nice", "-n", str(NICE), *argv)
        return self.containers.in_container(self.service, lowered, environment)

    def address(self, address: Address) -> Address:
        """The server's socket."""
        return address.inside()

    def free_bytes(self, data_directory: str) -> int | None:
        """What `df` says in there."""
        argv = self.argv(("df", "-Pk", data_directory), {})
        try:
            done = self.surroundings.run(CommandLine(argv=argv), _ASK_S)
        except (CommandFailedError, CommandTimedOutError):
            return None
        return _available(done.stdout.decode(errors="replace")) if done.exit_code == 0 else None


def client_version(programs: ClientPrograms, surroundings: Surroundings) -> int | None:
    """Of pg_dump, as `server_version_num` has it; None when there is none."""
    argv = programs.argv(("pg_dump", "--version"), {})
    try:
        done = surroundings.run(CommandLine(argv=argv), _ASK_S)
    except CommandFailedError:
        return None
    found = _VERSION.search(done.stdout.decode(errors="replace"))
    return int(found[1]) * 10_000 + int(found[2] or 0) if found else None


def _available(said: str) -> int | None:
    """The fourth column of POSIX `df -P`, in KiB."""
    words = said.splitlines()[-1].split() if said.strip() else []
    return int(words[3]) * 1024 if len(words) > 3 and words[3].isdigit() else None  # noqa: PLR2004
