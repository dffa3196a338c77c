"""The restored database takes the name."""

from __future__ import annotations

from dataclasses import dataclass

from commands.domain import naming
from commands.domain.errors import CheckFailedError
from commands.domain.text import Text, text
from workers.steps.ports import Ports
from workers.steps.progress import Before, Outcome, Progress
from workers.steps.swap_back import swap_back


@dataclass(frozen=True, slots=True)
class SwapDatabase:
    """Two renames in one transaction: restored becomes production, production is kept.

    The server shows which of the two it is by the names alone. Safe to repeat.
    """

    ports: Ports
    database: str

    def capture(self) -> dict[str, str]:
        """The names that the swap deals with."""
        return {"incoming": self._restored, "kept": self._kept}

    def probe(self, before: Before) -> Progress:  # noqa: ARG002 -- names are made, not captured
        """There is no half of it; other names than these were given by somebody else."""
        server = self.ports.production
        if not server.exists(self.database):
            return Progress.IN_DOUBT
        match (server.exists(self._restored), server.exists(self._kept)):
            case (True, False):
                return Progress.UNTOUCHED
            case (False, True):
                return Progress.DONE
            case _:
                return Progress.IN_DOUBT

    def apply(self) -> Outcome:
        """Raises CheckFailedError (`check.restored_half`) when it is not there whole."""
        server = self.ports.production
        if self.probe({}) is not Progress.DONE:
            if not server.is_whole(self._restored):
                raise CheckFailedError("check.restored_half", name=self._restored)
            server.swap(self.database, incoming=self._restored, outgoing=self._kept)
        return Outcome(text("db.swapped", database=self.database, kept=self._kept))

    def changed_since(self, before: Before) -> Text | None:  # noqa: ARG002 -- see `probe`
        """Somebody let the kept one go: there is nothing to swap back to."""
        server = self.ports.production
        if server.exists(self._kept) or server.exists(self._restored):
            return None
        return text("db.kept_gone", database=self.database, kept=self._kept)

    def revert(self, before: Before) -> None:  # noqa: ARG002 -- see `probe`
        """The kept one takes its name again.

        The restored one, with all that was written to it since, takes back the name that it had
        before, and stays until people let it go.
        """
        swap_back(self.ports, self.database, self._restored, marked=False)

    @property
    def _restored(self) -> str:
        return naming.restored(self.database, self.ports.rollback_id)

    @property
    def _kept(self) -> str:
        return naming.kept(self.database, self.ports.rollback_id)
