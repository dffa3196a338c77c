"""The proof of a backup: it was read whole, restored, and every table counted (H3)."""

from __future__ import annotations

import time
from dataclasses import dataclass

from commands.database_ports import Backups, Counts, Database
from commands.domain.database import BackupRecord
from commands.domain.errors import BackupInvalidError
from commands.ports import Clock

MOST_NAMED = 5
"""Tables whose counts differ are named, as far as a card has room."""

# A folder that is away today tells nothing of the bytes in it: what was proven stays so.
_OF_THE_FOLDER = ("missing", "unreadable_folder", "unwritable")


@dataclass(frozen=True, slots=True)
class Proof:
    """Proves backups on one server. `like`: the database there whose owner and locale to take."""

    backups: Backups
    server: Database
    clock: Clock
    like: str = ""

    def of(self, backup: BackupRecord, into: str, timeout_s: float) -> BackupRecord:
        """Restore it into the database `into`, made anew and left there; returns the new note.

        A backup without counts (the customer's own) is counted now, its checksum is not known.
        Safe to repeat. Raises BackupInvalidError, which the note says too where it is about the
        bytes, and what the server or a program could not do, which is no fault of the backup. A
        dump of some tables is never proven: swapped in, it would be a database without the others.
        """
        began = time.monotonic()
        try:
            found = self._restored(backup, into, timeout_s)
        except BackupInvalidError as error:
            if error.why not in _OF_THE_FOLDER:
                self.backups.note(_unproven(backup, error.why))
            raise
        proven = backup.model_copy(
            update={
                "proven_at": self.clock.now(),
                "prove_seconds": round(time.monotonic() - began, 3),
                "why": "",
                "counts": dict(found),
                "revisions": backup.revisions or self.server.revisions(into),
            }
        )
        self.backups.note(proven)
        self.server.mark_whole(into)
        return proven

    def _restored(self, backup: BackupRecord, into: str, timeout_s: float) -> Counts:
        path = self.backups.path(backup.name)
        if backup.tables:
            # Every count would agree, and the tables that are not in it would be gone.
            raise BackupInvalidError(backup.name, "partial", ", ".join(backup.tables[:MOST_NAMED]))
        self.server.drop(into)
        self.server.create(into, self.like)
        self.server.restore(path, into, timeout_s)
        found = self.server.counts(into, timeout_s)
        if backup.counts and (differs := different(found, backup.counts)):
            raise BackupInvalidError(backup.name, "counts", ", ".join(differs[:MOST_NAMED]))
        return found


def different(found: Counts, expected: Counts) -> tuple[str, ...]:
    """`projects 99/100` for every table that has not the rows expected; `-`: no such table."""
    return tuple(
        f"{name} {found.get(name, '-')}/{expected.get(name, '-')}"
        for name in sorted({*found, *expected})
        if found.get(name) != expected.get(name)
    )


def _unproven(backup: BackupRecord, why: str) -> BackupRecord:
    return backup.model_copy(update={"proven_at": None, "prove_seconds": None, "why": why})
