"""Bring the target image here while people decide."""

from __future__ import annotations

from dataclasses import dataclass

from commands.domain.plan import EvidenceItem, Target
from commands.domain.text import text
from commands.ports import Containers
from workers.steps.progress import Before, Outcome, Progress

PRESENT = "present"


@dataclass(frozen=True, slots=True)
class PullImage:
    """Have `repository:version` here, and have it be the planned digest.

    Serves no user. Safe to repeat: layers that are here are not fetched again.
    """

    containers: Containers
    target: Target
    timeout_s: float

    def capture(self) -> dict[str, str]:
        """Whether the image was here before: what was, is not ours to remove."""
        return {PRESENT: "yes" if self._is_here() else "no"}

    def probe(self, before: Before) -> Progress:  # noqa: ARG002 -- as `Step` has it
        """An image is here whole or not at all."""
        return Progress.DONE if self._is_here() else Progress.UNTOUCHED

    def apply(self) -> Outcome:
        """Pull by digest and tag. Raises ImageNotFoundError, DiskFullError and the like."""
        target = self.target
        if not self._is_here():
            digest, timeout_s = target.digest, self.timeout_s
            self.containers.pull(target.repository, target.version, digest, timeout_s)
        return Outcome(
            detail=text("step.pulled", service=target.service, version=target.version),
            evidence=(EvidenceItem(name=f"image:{target.service}", ok=True, found=target.digest),),
        )

    def changed_since(self, before: Before) -> None:
        """An image that is here takes nothing from anybody."""

    def revert(self, before: Before) -> None:
        """`DropPrepared` removes what nobody needs, on every ending."""

    def _is_here(self) -> bool:
        target = self.target
        return self.containers.has_image(target.repository, target.version, target.digest)
