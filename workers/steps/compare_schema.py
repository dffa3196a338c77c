"""The last look before the change, and the proof after it: the revisions in the database."""

from __future__ import annotations

from dataclasses import dataclass

from commands.domain.database import ScriptGraph
from commands.domain.errors import CheckFailedError
from commands.domain.plan import Migration
from commands.domain.text import text
from workers.steps.looking import Looking
from workers.steps.migrating import refuse_another_image, scripts_of
from workers.steps.ports import Ports
from workers.steps.progress import Outcome

HEADS = "heads"
"""The last word of a migration to whatever its image has."""


@dataclass(frozen=True, slots=True)
class CompareSchema(Looking):
    """The revisions are those of the plan: nobody migrated since people approved it.

    Nor is the image another one, or what its scripts end at. Rows always move; they are not
    compared. `migration` None: the plan runs none.
    """

    ports: Ports
    database: str
    revisions: tuple[str, ...]
    migration: Migration | None = None

    def apply(self) -> Outcome:
        """Raises CheckFailedError (`check.schema_moved`, `.another_image`, `.other_scripts`)."""
        found = self.ports.production.revisions(self.database)
        if found != self.revisions:
            raise CheckFailedError(
                "check.schema_moved",
                database=self.database,
                expected=self.revisions,
                found=found,
            )
        if self.migration is not None:
            self._refuse_other_scripts(self.migration)
        return Outcome(text("db.as_planned", revisions=found))

    def _refuse_other_scripts(self, migration: Migration) -> None:
        refuse_another_image(self.ports, migration)
        graph = scripts_of(self.ports, migration)
        if not graph.why and not _ends_as_planned(graph, migration):
            raise CheckFailedError(
                "check.other_scripts",
                image=f"{migration.repository}:{migration.version}",
                expected=migration.after,
                found=graph.heads,
            )


def _ends_as_planned(graph: ScriptGraph, migration: Migration) -> bool:
    """Up: to all that the image has. Down: to revisions that it knows, from such."""
    if migration.command.argv[-1] == HEADS:
        return not migration.after or tuple(sorted(graph.heads)) == migration.after
    return all(graph.knows(revision) for revision in (*migration.before, *migration.after))
