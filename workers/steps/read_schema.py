"""Read the revisions back: the proof."""

from __future__ import annotations

from dataclasses import dataclass

from commands.domain.errors import CheckFailedError
from commands.domain.plan import Target
from commands.domain.proof import ProofItem, Verdict
from commands.domain.text import text
from workers.steps.looking import Looking
from workers.steps.ports import Ports
from workers.steps.progress import Outcome


@dataclass(frozen=True, slots=True)
class ReadSchema(Looking):
    """The revisions in the database, from the database.

    Without `revisions`, those that the image of the migrations' service (`target`) has as heads.
    """

    ports: Ports
    database: str
    revisions: tuple[str, ...]
    target: Target | None = None

    def apply(self) -> Outcome:
        """Raises CheckFailedError (`check.wrong_schema`)."""
        found = self.ports.production.revisions(self.database)
        expected = self._expected()
        if expected is not None and found != expected:
            raise CheckFailedError(
                "check.wrong_schema", database=self.database, expected=expected, found=found
            )
        proof = ProofItem(
            service=self.database,
            what="schema",
            expected=", ".join(expected or ()),
            found=", ".join(found),
            verdict=Verdict.UNKNOWN if expected is None else Verdict.OK,
        )
        return Outcome(text("db.schema_read", revisions=found), proof=(proof,))

    def _expected(self) -> tuple[str, ...] | None:
        """None: the image's scripts could not be read, so nothing can be compared."""
        if self.revisions or self.target is None:
            return self.revisions
        graph = self.ports.tool.graph(self.target)
        return None if graph.why else tuple(sorted(graph.heads))
