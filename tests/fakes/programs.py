"""Programs that end as a test says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from commands.domain.errors import CommandFailedError
from commands.domain.plan import CommandLine
from commands.ports import ProgramOutcome


@dataclass(slots=True)
class FakePrograms:
    """`Programs` by the name of the program; one that is not there cannot be started."""

    known: dict[str, Callable[[CommandLine, float], ProgramOutcome]] = field(default_factory=dict)
    run_so_far: list[CommandLine] = field(default_factory=list)

    def run(self, command: CommandLine, timeout_s: float) -> ProgramOutcome:
        self.run_so_far.append(command)
        program = self.known.get(command.argv[0])
        if program is None:
            raise CommandFailedError(command.argv[0], 127, "No such file or directory")
        return program(command, timeout_s)
