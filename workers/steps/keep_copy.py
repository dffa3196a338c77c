"""Keep what is there now, whole, before it is changed: nothing written is lost."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from typing import TypeAlias

from commands.domain import naming
from commands.domain import plan as planned
from commands.domain.database import BackupRecord
from commands.domain.keeping import COPY_STAYS
from commands.domain.text import Text, text
from workers.steps.migrating import Look
from workers.steps.ports import Ports
from workers.steps.progress import Before, Outcome, Progress
from workers.steps.unwritten import copied, told_of_writers

PATH = "path"
MB = 1_000_000


@dataclass(frozen=True, slots=True)
class KeepClone:
    """A copy beside it on the server, `<database>_before_RB_17`, marked when it is whole.

    Made again as long as somebody writes meanwhile (`unwritten`). `is_for_swap`: an undo swaps it
    in. `is_begun`: so is the change that it is kept for; from then on only people let it go,
    however much the database looks as it did.
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
        """One whose end nobody saw is made again: what was written meanwhile is not known."""
        is_begun = self.ports.production.exists(self._kept)
        return Progress.PARTIAL if is_begun else Progress.UNTOUCHED

    def apply(self) -> Outcome:
        """Raises DiskFullError, DatabaseError, CheckFailedError (`check.written_meanwhile`)."""
        began = self.ports.clock.now()
        done = copied(self.ports, self.database, self.copy)
        seconds = round((self.ports.clock.now() - began).total_seconds(), 1)
        said = text("db.cloned", name=self._kept, seconds=seconds, **done.seen.to_journal())
        return Outcome(told_of_writers(said, done))

    def is_there(self) -> bool:
        """Whole, that is."""
        return self.ports.production.is_whole(self._kept)

    def copy(self) -> None:
        """Whatever is there under its name is dropped first: it is not what is there now."""
        server = self.ports.production
        server.drop(self._kept)
        server.clone(self.database, self._kept, self.timeout_s)
        server.mark_whole(self._kept)

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

    def probe(self, before: Before) -> Progress:  # noqa: ARG002 -- as it was first captured
        """One whose end nobody saw is made again, over the first."""
        return Progress.PARTIAL if self.is_there() else Progress.UNTOUCHED

    def apply(self) -> Outcome:
        """Raises DiskFullError, CommandFailedError, CheckFailedError (`.written_meanwhile`)."""
        done = copied(self.ports, self.action.database, self.copy)
        record = done.made
        said = text(
            "db.kept_dump",
            name=record.name,
            mb=record.size_bytes / MB,
            seconds=round(record.seconds, 1),
            **done.seen.to_journal(),
        )
        return Outcome(told_of_writers(said, done))

    def is_there(self) -> bool:
        """With its note, which is written when it is whole."""
        name = PurePath(self.captured.get(PATH, "")).name
        listed = self.ports.folder.listed(self.action.database) if name else ()
        return any(one.name == name and one.sha256 for one in listed)

    def copy(self) -> BackupRecord:
        """Over an earlier one of the same name, once it is whole."""
        path, tables = self.captured[PATH], self.action.tables
        return self.ports.production.dump(self.action.database, path, self.timeout_s, tables)

    def changed_since(self, before: Before) -> None:
        """A dump takes nothing from anybody."""

    def revert(self, before: Before) -> None:
        """It stays: it may be all that is left of what was dropped."""


Keeping: TypeAlias = KeepClone | KeepDump
