"""Stop the services that use the database, and run again what ran before."""

from __future__ import annotations

from dataclasses import dataclass

from commands.domain.errors import CheckFailedError, CommandFailedError
from commands.domain.facts import RunningRelease
from commands.domain.plan import CommandLine, Pin, Target
from commands.domain.text import Text, text
from commands.planner import argv
from commands.planner.pins import pin_for
from workers.steps.ports import Ports
from workers.steps.progress import Before, Outcome, Progress
from workers.steps.switch_release import NOTHING, UP, SwitchRelease


@dataclass(frozen=True, slots=True)
class StopDependants:
    """One Compose call that stops exactly these services. Safe to repeat.

    `targets` are what runs now. `switch` is the same services' `SwitchRelease`: what it captures
    and how it goes back hold here too, down to images without a tag. It leaves the pins at what
    ran; the pins' own steps were reverted before this one, so the files' earlier values are put
    back here, last. `started` are the releases that this plan starts afterwards.
    """

    ports: Ports
    targets: tuple[Target, ...]
    command: CommandLine
    switch: SwitchRelease
    started: tuple[Target, ...] = ()

    def capture(self) -> dict[str, str]:
        """What each service runs, and how its version is pinned."""
        before = self.switch.capture()
        for target in self.targets:
            value = self.ports.files.pinned(self._pin(target))
            if value is not None:
                before[f"{target.service}.pinned"] = value
        return before

    def probe(self, before: Before) -> Progress:
        """All down: done. All as before: untouched. A stranger's image: in doubt."""
        found = {self._probe_one(target, before) for target in self.targets}
        if Progress.IN_DOUBT in found:
            return Progress.IN_DOUBT
        return found.pop() if len(found) == 1 else Progress.PARTIAL

    def apply(self) -> Outcome:
        """Raises CommandFailedError, and CheckFailedError (`check.not_stopped`)."""
        stop(self.ports, self.targets, self.command, self.switch.timeout_s)
        return Outcome(text("db.stopped", services=tuple(t.service for t in self.targets)))

    def changed_since(self, before: Before) -> Text | None:
        """The first service that runs neither what ran before nor what this plan started."""
        for target in self.targets:
            now = _running(self.ports, target)
            if now is None or now.state not in UP or self._is_ours(now, target, before):
                continue
            found = now.version or now.reference or now.digest
            return text("step.switched_since", service=target.service, found=found)
        return None

    def revert(self, before: Before) -> None:
        """Run again what ran before, then put the pins back. Raises as `SwitchRelease.revert`."""
        self.switch.revert(before)
        for target in self.targets:
            value = before.get(f"{target.service}.pinned")
            pin = self._pin(target)
            if value is None:
                self.ports.files.remove_pin(pin)
            else:
                earlier = pin.model_copy(update={"value": value})
                self.ports.files.write_pin(earlier, self.switch.keep_as)

    def _is_ours(self, now: RunningRelease, target: Target, before: Before) -> bool:
        ran = before.get(f"{target.service}.image_id", NOTHING)
        ours = (t.digest for t in (target, *self.started) if t.service == target.service)
        return now.image_id == ran or any(now.runs(digest) for digest in ours)

    def _pin(self, target: Target) -> Pin:
        name = target.service
        return pin_for(self.ports.compose, name, self.ports.service(name), target.version)

    def _probe_one(self, target: Target, before: Before) -> Progress:
        now = _running(self.ports, target)
        if now is None or now.state not in UP:
            return Progress.DONE
        same = now.image_id == before.get(f"{target.service}.image_id", NOTHING)
        return Progress.UNTOUCHED if same else Progress.IN_DOUBT


def stop(ports: Ports, targets: tuple[Target, ...], command: CommandLine, timeout_s: float) -> None:
    """Stop, and look. Raises CommandFailedError, and CheckFailedError (`check.not_stopped`)."""
    outcome = ports.containers.compose(command, timeout_s)
    if outcome.exit_code:
        program = " ".join(argv.program(ports.compose))
        raise CommandFailedError(program, outcome.exit_code, outcome.tail)
    for target in targets:
        now = _running(ports, target)
        if now is not None and now.state in UP:
            raise CheckFailedError("check.not_stopped", service=target.service, found=now.state)


def _running(ports: Ports, target: Target) -> RunningRelease | None:
    return ports.containers.running(target.compose_service)
