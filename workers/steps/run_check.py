"""The customer's own command as a check."""

from __future__ import annotations

from dataclasses import dataclass

from commands.domain.errors import CheckFailedError, CommandTimedOutError
from commands.domain.plan import CommandLine
from commands.domain.proof import ProofItem, Verdict
from commands.domain.text import text
from commands.ports import Programs
from workers.steps.looking import Looking
from workers.steps.progress import Outcome


@dataclass(frozen=True, slots=True)
class RunCheck(Looking):
    """Run it once, without a shell: exit code 0 within its limit is good, anything else bad.

    A command that was cut short is run again; the customer's checks must bear that.
    """

    programs: Programs
    name: str
    command: CommandLine
    timeout_s: float

    def apply(self) -> Outcome:
        """Raises CheckFailedError (`check.failed`, `check.timed_out`) with the output's tail."""
        try:
            outcome = self.programs.run(self.command, self.timeout_s)
        except CommandTimedOutError as error:
            limit_s = int(self.timeout_s)
            raise CheckFailedError(
                "check.timed_out", name=self.name, n=limit_s, tail=error.tail
            ) from error
        code = outcome.exit_code
        if code:
            raise CheckFailedError(
                "check.failed", name=self.name, exit_code=code, tail=outcome.tail
            )
        detail = text("step.checked", name=self.name, seconds=outcome.seconds, tail=outcome.tail)
        proof = ProofItem(
            service=self.name, what="smoke", expected="0", found="exit 0", verdict=Verdict.OK
        )
        return Outcome(detail, proof=(proof,))
