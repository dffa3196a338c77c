"""The last look before the change, and the proof after it: the revisions in the database."""

from __future__ import annotations

from dataclasses import dataclass

from commands.domain.errors import CheckFailedError
from commands.domain.text import text
from workers.steps.looking import Looking
from workers.steps.ports import Ports
from workers.steps.progress import Outcome


@dataclass(frozen=True, slots=True)
class CompareSchema(Looking):
    """The revisions are those of the plan: nobody migrated since people approved it.

    Rows always move; they are not compared.
    """

    ports: Ports
    database: str
    revisions: tuple[str, ...]

    def apply(self) -> Outcome:
        """Raises CheckFailedError (`check.schema_moved`)."""
        found = self.ports.production.revisions(self.database)
        if found != self.revisions:
            raise CheckFailedError(
                "check.schema_moved",
                database=self.database,
                expected=self.revisions,
                found=found,
            )
        return Outcome(text("db.as_planned", revisions=found))
