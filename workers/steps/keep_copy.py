"""Keep what is there now, whole, before it is changed: nothing written is lost."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath

from commands.domain import naming
from commands.domain import plan as planned
from commands.domain.database import BackupRecord
from commands.domain.keeping import COPY_STAYS
from commands.domain.text import Text, text
from workers.steps.migrating import Look
from workers.steps.ports import Ports
from workers.steps.progress import Before, Outcome, Progress

PATH = "path"
MB = 1_000_000


@dataclass(frozen=True, slots=True)
class KeepClone:
    """A copy beside it on the server, `<database>_before_RB_17`, marked when it is whole.

    The services are down and the sessions drained, so a whole one stays true until the change.
    `is_for_swap`: an undo swaps it in. `is_begun`: so is the change that it is kept for; from then
    on only people let it go, however much the database looks as it did.
    """

    ports: Ports
    database: str
    timeout_s: float
    is_for_swap: bool
    is_begun: bool

    def capture(self) -> dict[str, str]:
        """What the database is now: a clone is let go only when it is that again."""
        return Look.at(self.ports.production, self.database).to_capture()

    def probe(self, before: Before) -> Progress:  # noqa: ARG002 -- its name is made, not captured
        """Half a clone is dropped and made again."""
        if not self.ports.production.exists(self._kept):
            return Progress.UNTOUCHED
        return Progress.DONE if self._is_whole() else Progress.PARTIAL

    def apply(self) -> Outcome:
        """Raises DiskFullError, DatabaseError; what is half of a clone then, is dropped first."""
        server, began = self.ports.production, self.ports.clock.now()
        if not self._is_whole():
            server.drop(self._kept)
            server.clone(self.database, self._kept, self.timeout_s)
            server.mark_whole(self._kept)
        seconds = round((self.ports.clock.now() - began).total_seconds(), 1)
        return Outcome(text("db.cloned", name=self._kept, seconds=seconds))

    def changed_since(self, before: Before) -> Text | None:
        """A clone is nobody else's."""

    def revert(self, before: Before) -> Text | None:
        """Drop it when nobody can need it: no change was begun, and the schema is as it was."""
        server = self.ports.production
        if not self.is_for_swap or not server.exists(self._kept):
            return None
        if self.is_begun:
            return text(COPY_STAYS, name=self._kept)
        if Look.at(server, self.database).same(Look.captured(before)):
            server.drop(self._kept)
        return None

    def _is_whole(self) -> bool:
        server = self.ports.production
        return server.exists(self._kept) and server.is_whole(self._kept)

    @property
    def _kept(self) -> str:
        return naming.kept(self.database, self.ports.rollback_id)


@dataclass(frozen=True, slots=True)
class KeepDump:
    """There is no room for a clone: a fresh dump of what the migration touches.

    It stays in the folder of backups, for people: an undo cannot bring it back by itself.
    """

    ports: Ports
    action: planned.KeepCopy
    timeout_s: float
    captured: Before

    def capture(self) -> dict[str, str]:
        """The path that the dump will have."""
        by = naming.kept_dump(self.ports.rollback_id)
        return {PATH: self.ports.folder.new_path(self.action.database, by)}

    def probe(self, before: Before) -> Progress:
        """A file with its note is whole."""
        return Progress.DONE if self._made(before) else Progress.UNTOUCHED

    def apply(self) -> Outcome:
        """Raises DiskFullError, CommandFailedError; then nothing is left."""
        made = self._made(self.captured)
        record = made or self.ports.production.dump(
            self.action.database, self.captured[PATH], self.timeout_s, self.action.tables
        )
        mb, seconds = record.size_bytes / MB, round(record.seconds, 1)
        return Outcome(text("db.kept_dump", name=record.name, mb=mb, seconds=seconds))

    def changed_since(self, before: Before) -> None:
        """A dump takes nothing from anybody."""

    def revert(self, before: Before) -> None:
        """It stays: it may be all that is left of what was dropped."""

    def _made(self, before: Before) -> BackupRecord | None:
        name = PurePath(before.get(PATH, "")).name
        listed = self.ports.folder.listed(self.action.database) if name else ()
        return next((one for one in listed if one.name == name and one.sha256), None)
