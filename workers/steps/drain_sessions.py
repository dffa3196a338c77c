"""Have the database to ourselves before it is changed."""

from __future__ import annotations

from dataclasses import dataclass

from commands.domain.database import Session
from commands.domain.text import text
from workers.steps.looking import Looking
from workers.steps.ports import Ports
from workers.steps.progress import Outcome


@dataclass(frozen=True, slots=True)
class DrainSessions(Looking):
    """Wait for the sessions that remain, then end them; who they were is told.

    Nothing to go back to: a client that is still wanted connects again by itself. Safe to repeat.
    """

    ports: Ports
    database: str
    patience_s: float

    def apply(self) -> Outcome:
        """Raises DatabaseError when somebody comes back faster than they are ended."""
        ended = self.ports.production.drain(self.database, self.patience_s)
        who = tuple(dict.fromkeys(words(session) for session in ended))
        if not ended:
            return Outcome(text("db.drained_by_themselves"))
        return Outcome(text("db.drained", n=len(ended), who=who))


def words(session: Session) -> str:
    """`psql (samokoder, 10.0.0.7)`; never its query."""
    told = ", ".join(part for part in (session.user, session.client) if part)
    return f"{session.application or session.pid} ({told})" if told else session.application
