"""Remove what prepare brought and nobody needs, however the rollback ended."""

from __future__ import annotations

from dataclasses import dataclass

from commands.domain.plan import Target
from commands.domain.text import text
from workers.steps.looking import Looking
from workers.steps.ports import Ports
from workers.steps.progress import Outcome


@dataclass(frozen=True, slots=True)
class DropPrepared(Looking):
    """Remove the tags that this rollback's own pulls brought, unless they run by now.

    An image that was here before is somebody's rollback target of tomorrow (H19) and stays.
    Safe to repeat.
    """

    ports: Ports
    targets: tuple[Target, ...]

    def apply(self) -> Outcome:
        """Raises EngineError; nothing depends on it."""
        unused = [t for t in self.targets if self._is_ours(t) and not self._runs(t)]
        for target in unused:
            self.ports.containers.remove_image(target.repository, target.version)
        if not unused:
            return Outcome()
        return Outcome(text("step.dropped", images=tuple(_name(t) for t in unused)))

    def _is_ours(self, target: Target) -> bool:
        return (target.repository, target.version) in self.ports.brought

    def _runs(self, target: Target) -> bool:
        now = self.ports.containers.running(target.compose_service)
        return now is not None and now.runs(target.digest)


def _name(target: Target) -> str:
    return f"{target.repository}:{target.version}"
