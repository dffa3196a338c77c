"""Clean-up on the database servers and in the folder of backups, however the rollback ended."""

from __future__ import annotations

from dataclasses import dataclass

from commands.domain import naming
from commands.domain.text import Text, text
from workers.steps.looking import Looking
from workers.steps.ports import Ports
from workers.steps.progress import Outcome
from workers.steps.pruning import prune


@dataclass(frozen=True, slots=True)
class DropScratch(Looking):
    """Drop the scratch copy, and a restored one that was never swapped in. Safe to repeat.

    `was_swapped`: the swap was begun. Users may have written to the restored one since, even if it
    has its old name again by now: letting that go is for people to decide. Backups are let go by
    the folder's own rule.
    """

    ports: Ports
    database: str
    was_swapped: bool

    def apply(self) -> Outcome:
        """Raises DatabaseError and the like; nothing depends on it."""
        number = self.ports.rollback_id
        places = [(self.ports.rehearsals, naming.scratch(self.database, number))]
        if not self.was_swapped:
            places.append((self.ports.production, naming.restored(self.database, number)))
        there = [(server, name) for server, name in places if server.exists(name)]
        for server, name in there:
            server.drop(name)
        return Outcome(_said(tuple(n for _, n in there), len(prune(self.ports))))


def _said(dropped: tuple[str, ...], pruned: int) -> Text | None:
    if dropped and pruned:
        return text("db.dropped_and_pruned", names=dropped, n=pruned)
    if pruned:
        return text("db.pruned", n=pruned)
    return text("db.dropped", names=dropped) if dropped else None
