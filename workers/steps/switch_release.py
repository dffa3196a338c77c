"""Run other images of the named services, and no other service."""

from __future__ import annotations

import re
from dataclasses import dataclass

from commands.domain.errors import CheckFailedError, CommandFailedError
from commands.domain.facts import RunningRelease
from commands.domain.plan import CommandLine, Pin, Target
from commands.domain.proof import ProofItem, Verdict
from commands.domain.text import Text, text
from commands.planner import argv
from commands.planner.pins import pin_for, tag_of
from commands.ports import ProgramOutcome
from workers.steps.ports import Ports
from workers.steps.progress import Before, Outcome, Progress

NOTHING = ""
UP = ("running", "restarting")
STOPPED = ("created", "exited", "dead")

# Compose itself was killed; or its plugin, of which the Docker client says 255 (the exit status of
# a signalled plugin is -1), or 125 when it was only being asked who it is (Docker 20.10, measured).
_KILLED = (-9, -15, 137, 143, 255, 125)
# The engine was still making a container for a Compose that had died: that one stands in the way
# of the next recreate, under a name that only a recreate gives (Compose 2.26, measured).
_IN_THE_WAY = re.compile(r'container name "/[0-9a-f]{12}_[^"]+" is already in use')
_REPEATED_AT_MOST = 3


@dataclass(frozen=True, slots=True)
class SwitchRelease:
    """One Compose call that recreates exactly these services with the pinned images.

    Safe to repeat: Compose is asked for a state, not for a change. Whether the services are well
    is the next step's question (`AwaitHealthy`).

    **The way back does not lean on the order of undoing.** An undo walks backwards, so this step
    is reverted while the pin still names the target; and the pin's earlier value may never have
    been what ran (a shell variable started it, H6). So `revert` makes its own conditions, for
    each image that ran before: (1) have that very image, by id, under its tag again, or under a
    tag of ours if it had none; (2) pin that tag where this environment pins; (3) run the same
    command line as forth. Compose v1 and v2 both recreate a service whose image differs from the
    one its container was made of, and (2) holds for variable and override pins alike.
    `PinVersion.revert`, next in the walk back, restores the file's own earlier value. Every part
    asks for a state, so a revert that was cut short is simply repeated from its beginning.
    """

    ports: Ports
    targets: tuple[Target, ...]
    command: CommandLine
    keep_as: str
    timeout_s: float
    pull_timeout_s: float

    def capture(self) -> dict[str, str]:
        """Of each service the image id and tag that it runs, and how its container is."""
        before: dict[str, str] = {}
        for target in self.targets:
            now = self._running(target)
            before[f"{target.service}.image_id"] = now.image_id if now else NOTHING
            before[f"{target.service}.version"] = now.version if now else NOTHING
            before[f"{target.service}.state"] = now.state if now else NOTHING
        return before

    def probe(self, before: Before) -> Progress:
        """All there: done. All as before: untouched. A stranger's image: in doubt."""
        found = {self._probe_one(target, before) for target in self.targets}
        if Progress.IN_DOUBT in found:
            return Progress.IN_DOUBT
        return found.pop() if len(found) == 1 else Progress.PARTIAL

    def apply(self) -> Outcome:
        """Switch.

        Raises CommandFailedError, CommandTimedOutError, and CheckFailedError
        (`check.not_switched`) when Compose ran another image than the one planned.
        """
        for target in self.targets:
            self._have(target.repository, target.version, target.digest)
        self._compose(self.command)
        for target in self.targets:
            self._refuse_another_image(target)
        return Outcome(text("step.switched", services=tuple(t.service for t in self.targets)))

    def changed_since(self, before: Before) -> Text | None:
        """The first service that runs neither this rollback's image nor the one before it."""
        for target in self.targets:
            now = self._running(target)
            if now is None or now.state in STOPPED or now.runs(target.digest):
                continue
            if now.image_id != before.get(f"{target.service}.image_id", NOTHING):
                found = now.version or now.reference or now.digest
                return text("step.switched_since", service=target.service, found=found)
        return None

    def revert(self, before: Before) -> None:
        """Run again what ran before; see the class on why this holds in any order.

        Raises as `apply` does; it returns only when every service runs its earlier image.
        """
        for tag, services in self._by_tag(before).items():
            for target in services:
                image_id = before[f"{target.service}.image_id"]
                self._have(target.repository, tag, image_id)
                self.ports.files.write_pin(self._pin(target, tag), self.keep_as)
            names = (target.compose_service for target in services)
            self._compose(argv.switch(self.ports.compose, names))
        absent = [t for t in self.targets if not before.get(f"{t.service}.image_id")]
        if absent:
            self._compose(argv.stop(self.ports.compose, (t.compose_service for t in absent)))
        for item in self.returned(before):
            if item.verdict is Verdict.BAD:
                raise CheckFailedError(
                    "check.not_returned",
                    service=item.service,
                    expected=item.expected,
                    found=item.found,
                )

    def returned(self, before: Before) -> tuple[ProofItem, ...]:
        """The proof of an undo: the image id that each service ran before, and runs now."""
        return tuple(self._returned(target, before) for target in self.targets)

    def _returned(self, target: Target, before: Before) -> ProofItem:
        now = self._running(target)
        expected = before.get(f"{target.service}.image_id", NOTHING)
        found = now.image_id if now and now.state in UP else NOTHING
        return ProofItem(
            service=target.service,
            what="digest",
            expected=expected,
            found=found,
            verdict=Verdict.OK if found == expected else Verdict.BAD,
        )

    def _by_tag(self, before: Before) -> dict[str, list[Target]]:
        """Services that ran one tag go back side by side, the others one tag after another."""
        groups: dict[str, list[Target]] = {}
        for target in self.targets:
            image_id = before.get(f"{target.service}.image_id", NOTHING)
            if image_id:
                tag = tag_of(before.get(f"{target.service}.version", NOTHING), image_id)
                groups.setdefault(tag, []).append(target)
        return groups

    def _pin(self, target: Target, tag: str) -> Pin:
        name = target.service
        return pin_for(self.ports.compose, name, self.ports.service(name), tag)

    def _have(self, repository: str, tag: str, digest: str) -> None:
        """The image under this tag; it may have been pruned or its tag moved since (H19)."""
        if not self.ports.containers.has_image(repository, tag, digest):
            self.ports.containers.pull(repository, tag, digest, self.pull_timeout_s)

    def _compose(self, command: CommandLine) -> None:
        outcome = self.ports.containers.compose(command, self.timeout_s)
        for _ in range(_REPEATED_AT_MOST):
            if not _interrupted(outcome):
                break
            # By the kernel or a person, half-way: what it had asked for ends, then it is repeated.
            self.ports.containers.settle(self.ports.rollback_id, self.timeout_s)
            outcome = self.ports.containers.compose(command, self.timeout_s)
        if outcome.exit_code:
            program = " ".join(argv.program(self.ports.compose))
            raise CommandFailedError(program, outcome.exit_code, outcome.tail)

    def _probe_one(self, target: Target, before: Before) -> Progress:
        now = self._running(target)
        image_before = before.get(f"{target.service}.image_id", NOTHING)
        if now is None:
            return Progress.PARTIAL if image_before else Progress.UNTOUCHED
        if now.runs(target.digest):
            return Progress.DONE if now.state in UP else Progress.PARTIAL
        if now.image_id != image_before:
            return Progress.IN_DOUBT
        as_before = now.state in UP or now.state == before.get(f"{target.service}.state")
        return Progress.UNTOUCHED if as_before else Progress.PARTIAL

    def _refuse_another_image(self, target: Target) -> None:
        now = self._running(target)
        if now is None or not now.runs(target.digest):
            found = now.reference or now.digest if now else NOTHING
            raise CheckFailedError(
                "check.not_switched",
                service=target.service,
                expected=f"{target.repository}:{target.version}",
                found=found,
            )

    def _running(self, target: Target) -> RunningRelease | None:
        return self.ports.containers.running(target.compose_service)


def _interrupted(outcome: ProgramOutcome) -> bool:
    return outcome.exit_code != 0 and (
        outcome.exit_code in _KILLED or _IN_THE_WAY.search(outcome.tail) is not None
    )
