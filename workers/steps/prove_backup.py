"""Prove that a backup can be restored: by restoring it."""

from __future__ import annotations

from dataclasses import dataclass

from commands.domain import naming
from commands.domain.plan import EvidenceItem
from commands.domain.text import Text, text
from workers.steps.ports import Ports
from workers.steps.progress import Before, Outcome, Progress
from workers.steps.rehearsed import PROVEN, soundness
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
        """Raises BackupInvalidError, as the note beside the file says too; LeaseHeldError."""
        with self.ports.my_turn(self.timeout_s):
            return self._proven()

    def changed_since(self, before: Before) -> None:
        """A scratch copy is nobody else's."""

    def revert(self, before: Before) -> None:
        """`DropScratch` does it, on every ending."""

    def _proven(self) -> Outcome:
        record = found_backup(self.ports, self.backup)
        scratch = naming.scratch(self.database, self.ports.rollback_id)
        server = self.ports.rehearsals
        restored = restore_copy(server, self.ports, record, scratch, self.timeout_s)
        facts = restored.facts()
        found = f"{record.name} {facts['n']} tables {facts['rows']} rows"
        said = _said(restored)
        evidence = EvidenceItem(name="backup_proof", ok=True, found=found, said=said)
        # What is bad in production already is not to be blamed on what comes.
        findings = server.integrity(scratch, {}, self.timeout_s)
        looked = soundness(PROVEN, "proved", findings, is_silent=True)
        return Outcome(said, evidence=(evidence, *looked), backup=restored.record)


def _said(restored: Restored) -> Text:
    key = "db.proved" if restored.compared else "db.proved_uncounted"
    return text(key, **restored.facts())
