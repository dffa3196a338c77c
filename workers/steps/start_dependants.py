"""Run the pinned images of the stopped services."""

from __future__ import annotations

from dataclasses import dataclass

from commands.domain.plan import CommandLine
from commands.domain.text import Text, text
from workers.steps.progress import Before, Outcome, Progress
from workers.steps.stop_dependants import stop
from workers.steps.switch_release import SwitchRelease


@dataclass(frozen=True, slots=True)
class StartDependants:
    """Run the pinned images of the stopped services: a `SwitchRelease` with another way back.

    Revert stops them: they must not run on the schema that the walk back is about to change.
    """

    switch: SwitchRelease
    stop_command: CommandLine

    def capture(self) -> dict[str, str]:
        """As `SwitchRelease`."""
        return self.switch.capture()

    def probe(self, before: Before) -> Progress:
        """As `SwitchRelease`; a service whose image stays the same is started all the same."""
        return self.switch.probe(before)

    def apply(self) -> Outcome:
        """As `SwitchRelease`."""
        self.switch.apply()
        return Outcome(text("db.started", services=tuple(t.service for t in self.switch.targets)))

    def changed_since(self, before: Before) -> Text | None:
        """As `SwitchRelease`: what is down, ours or as before is nobody else's."""
        return self.switch.changed_since(before)

    def revert(self, before: Before) -> None:  # noqa: ARG002 -- they were down, whatever it says
        """Stop them. Raises as `StopDependants.apply`."""
        stop(self.switch.ports, self.switch.targets, self.stop_command, self.switch.timeout_s)
