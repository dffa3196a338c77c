"""The customer's own commands."""

from __future__ import annotations

from dataclasses import dataclass

from commands.domain.plan import CommandLine
from commands.ports import ProgramOutcome
from workers.adapters.surroundings import Surroundings


@dataclass(frozen=True, slots=True)
class ProgramsOnHost:
    """`Programs` on the worker's own host."""

    surroundings: Surroundings

    def run(self, command: CommandLine, timeout_s: float) -> ProgramOutcome:
        """Run it without a shell, in a clean environment; a bad exit code is not an exception.

        Raises CommandTimedOutError (its children are ended) and CommandFailedError when it
        cannot be started at all.
        """
        done = self.surroundings.run(command, timeout_s)
        return ProgramOutcome(exit_code=done.exit_code, tail=done.tail, seconds=done.seconds)
