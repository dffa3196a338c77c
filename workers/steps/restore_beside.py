"""Restore a backup beside production's database: nothing is swapped yet."""

from __future__ import annotations

from dataclasses import dataclass

from commands.domain import naming
from commands.domain.errors import BackupInvalidError
from commands.domain.plan import EvidenceItem
from commands.domain.text import text
from workers.steps.ports import Ports
from workers.steps.progress import Before, Outcome, Progress
from workers.steps.rehearsed import RESTORED, soundness
from workers.steps.restoring import found_backup, restore_copy

COPY = "copy"


@dataclass(frozen=True, slots=True)
class RestoreBeside:
    """A new database from the backup, on production's own server, compared and looked at (H5).

    Serves no user. Safe to repeat: it is dropped and made again.
    """

    ports: Ports
    database: str
    backup: str
    sha256: str
    timeout_s: float

    def capture(self) -> dict[str, str]:
        """The database that will be there."""
        return {COPY: self._copy}

    def probe(self, before: Before) -> Progress:  # noqa: ARG002 -- its name is made, not captured
        """Whatever is there is dropped and made again: nobody uses it yet."""
        there = self.ports.production.exists(self._copy)
        return Progress.PARTIAL if there else Progress.UNTOUCHED

    def apply(self) -> Outcome:
        """Raises BackupInvalidError (`changed`: not the planned file), DiskFullError and others."""
        with self.ports.my_turn(self.timeout_s):
            return self._beside()

    def changed_since(self, before: Before) -> None:
        """A copy of ours is nobody else's."""

    def revert(self, before: Before) -> None:
        """`DropScratch` drops it on every ending, unless it was swapped in."""

    def _beside(self) -> Outcome:
        record = found_backup(self.ports, self.backup)
        if self.sha256 and record.sha256 != self.sha256:
            raise BackupInvalidError(record.name, "changed", record.sha256)
        server = self.ports.production
        restored = restore_copy(server, self.ports, record, self._copy, self.timeout_s)
        facts = restored.facts()
        key = "db.restored" if restored.compared else "db.restored_uncounted"
        said = text(key, at=f"{record.taken_at:%Y-%m-%d %H:%M} UTC", **facts)
        found = f"{record.name} {facts['n']} tables {facts['rows']} rows"
        evidence = EvidenceItem(name="restore", ok=True, found=found, said=said)
        # Now, while people decide: what is unsound in it already, they must know before.
        findings = server.integrity(self._copy, {}, self.timeout_s)
        looked = soundness(RESTORED, "restored", findings)
        return Outcome(said, evidence=(evidence, *looked), backup=restored.record)

    @property
    def _copy(self) -> str:
        return naming.restored(self.database, self.ports.rollback_id)
