"""What every child process of one environment gets, whatever program it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from commands.domain.errors import SettingsError
from commands.domain.plan import CommandLine
from commands.domain.text import text
from workers.adapters import children


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where programs are found, the secrets that they may ask for by name, and the lease.

    `environment` is all that a child sees besides what its own command line names: a stale
    variable of the worker's own cannot win over the pinned version (H6). `held` are more open
    files that hold something for as long as the child runs (`workers.turn`).
    """

    environment: Mapping[str, str]
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    lease_fd: int | None = None
    held: set[int] = field(default_factory=set)
    redact: Callable[[str], str] = str

    def run(
        self,
        command: CommandLine,
        timeout_s: float,
        *,
        directory: str = "",
        also: Mapping[str, str] | None = None,
    ) -> children.Completed:
        """Run it, without a shell; a bad exit code is not an exception.

        `directory` is for a command that names none. Raises CommandTimedOutError,
        CommandFailedError when it cannot be started, SettingsError when a secret is not known.
        """
        cwd = command.directory or directory
        return children.run(
            command.argv,
            timeout_s=timeout_s,
            cwd=Path(cwd) if cwd else None,
            env={
                **self.environment,
                **(also or {}),
                **command.environment,
                **{name: self._secret(name) for name in command.secrets},
            },
            lease_fd=self.lease_fd,
            held=tuple(self.held),
            redact=self._without_secrets,
            check=False,
        )

    def _secret(self, name: str) -> str:
        if name not in self.secrets:
            raise SettingsError(name, text("wrong.unset"))
        return self.secrets[name]

    def _without_secrets(self, said: str) -> str:
        for name, value in self.secrets.items():
            if value:
                said = said.replace(value, f"<{name}>")
        return self.redact(said)
