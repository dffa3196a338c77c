"""Rollbacks that stand still because Redis has no memory: what cannot be journaled is kept here."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from commands.domain.due import work_due
from commands.domain.state import RollbackState


@dataclass(frozen=True, slots=True)
class Pause:
    """From when on nothing could be written, and until when.

    `position` is the journal's length meanwhile: nothing makes it grow.
    """

    position: int
    progressed_at: datetime | None
    since_at: datetime
    over_at: datetime | None = None


@dataclass(slots=True)
class Pauses:
    """What the clock found and the relays tell. After a restart it is found anew."""

    _known: dict[tuple[str, str], tuple[Pause, ...]] = field(default_factory=dict)

    def of(self, environment: str, rollback: str) -> tuple[Pause, ...]:
        """Every pause of a rollback, oldest first."""
        return self._known.get((environment, rollback), ())

    def begin(self, environment: str, state: RollbackState, now: datetime) -> bool:
        """A write for this rollback was refused; False when that is known."""
        earlier = self.of(environment, state.id)
        if (earlier and earlier[-1].over_at is None) or state.status.ended or not work_due(state):
            return False
        pause = Pause(state.position, state.progressed_at, now)
        self._known[environment, state.id] = (*earlier, pause)
        return True

    def look(self, environment: str, state: RollbackState, now: datetime) -> bool:
        """End the pause of a rollback that went on; True when it just did."""
        earlier = self.of(environment, state.id)
        if not earlier or earlier[-1].over_at is not None:
            return False
        if state.progressed_at == earlier[-1].progressed_at and work_due(state):
            return False
        over = replace(earlier[-1], over_at=now)
        self._known[environment, state.id] = (*earlier[:-1], over)
        return True
