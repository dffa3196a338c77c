"""Folding the entries of journals as they come; both shells of the book share it, without I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from commands.domain.decide import Decision
from commands.domain.events import AnyEvent
from commands.domain.state import EnvironmentState, RollbackState, fold, fold_environment
from commands.store.codec import Recorded
from commands.store.keys import ENVIRONMENT_JOURNAL

Part = tuple[str, int, Sequence[AnyEvent]]


@dataclass(slots=True)
class Folded:
    """The states of one environment, and of the rollbacks that were read."""

    environment: EnvironmentState
    rollbacks: dict[str, RollbackState] = field(default_factory=dict)

    def position(self, name: str) -> int:
        """How many entries of a journal are folded."""
        if name == ENVIRONMENT_JOURNAL:
            return self.environment.position
        return self.rollbacks[name].position if name in self.rollbacks else 0

    def take(self, name: str, entries: Sequence[Recorded[AnyEvent]]) -> None:
        """Fold what is new; entries that were folded before are passed over."""
        for entry in entries:
            if entry.n != self.position(name) + 1:
                continue
            if name == ENVIRONMENT_JOURNAL:
                fold_environment(self.environment, entry.event, entry.at)
            else:
                self.rollbacks[name] = fold(self.rollbacks.get(name), entry.event, entry.at)

    def parts(self, decision: Decision) -> list[Part]:
        """What to append for a decision, at the lengths it was decided on."""
        parts: list[Part] = []
        if decision.environment:
            parts.append((ENVIRONMENT_JOURNAL, self.environment.position, decision.environment))
        if decision.rollback:
            name = decision.rollback_id
            parts.append((name, self.position(name), decision.rollback))
        return parts
