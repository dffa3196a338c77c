"""Prove that a backup can be restored: by restoring it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from commands.domain import naming
from commands.domain.database import BackupRecord
from commands.domain.errors import BackupInvalidError, RollbotError
from commands.domain.plan import EvidenceItem
from commands.domain.text import Text, text
from workers.steps.ports import Ports
from workers.steps.progress import Before, Outcome, Progress
from workers.steps.restoring import Restored, found_backup, restore_copy

SCRATCH = "scratch"


@dataclass(frozen=True, slots=True)
class ProveBackup:
    """Read the archive whole, restore it into a scratch database, compare every count (H3).

    The scratch database stays for the rehearsal; `DropScratch` drops it on every ending. Safe to
    repeat: it is dropped and made again.
    """

    ports: Ports
    database: str
    backup: str
    timeout_s: float

    def capture(self) -> dict[str, str]:
        """The copy that will be there."""
        return {SCRATCH: naming.scratch(self.database, self.ports.rollback_id)}

    def probe(self, before: Before) -> Progress:  # noqa: ARG002 -- its name is made, not captured
        """A proof is not half a proof: it is made again."""
        return Progress.UNTOUCHED

    def apply(self) -> Outcome:
        """Raises BackupInvalidError; the note beside the file says it too."""
        record = found_backup(self.ports, self.backup)
        scratch = naming.scratch(self.database, self.ports.rollback_id)
        try:
            restored = restore_copy(
                self.ports.rehearsals, self.ports, record, scratch, self.timeout_s
            )
        except BackupInvalidError as error:
            self._note_invalid(record, error)
            raise
        proven = record.model_copy(
            update={
                "proven_at": self.ports.clock.now(),
                "prove_seconds": restored.seconds,
                "why": "",
            }
        )
        self.ports.folder.note(proven)
        return Outcome(
            detail=_said(restored),
            evidence=(_evidence(record, restored),),
            backup=proven,
        )

    def changed_since(self, before: Before) -> None:
        """A scratch copy is nobody else's."""

    def revert(self, before: Before) -> None:
        """`DropScratch` does it, on every ending."""

    def _note_invalid(self, record: BackupRecord, error: BackupInvalidError) -> None:
        bad = record.model_copy(update={"proven_at": None, "why": error.why})
        # What is wrong with the backup matters more than that the folder cannot be written.
        with suppress(RollbotError):
            self.ports.folder.note(bad)


def _evidence(record: BackupRecord, restored: Restored) -> EvidenceItem:
    found = f"{record.name} {restored.compared} tables {restored.rows} rows"
    return EvidenceItem(name="backup_proof", ok=True, found=found, said=_said(restored))


def _said(restored: Restored) -> Text:
    """An old archive says nothing of its counts: then it was only restored without an error."""
    facts = {"rows": restored.rows, "seconds": restored.seconds}
    if restored.compared:
        return text("db.proved", n=restored.compared, **facts)
    return text("db.proved_uncounted", n=len(restored.counts), **facts)
