"""Dump production before anything is changed."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import PurePath

from commands.domain.database import BackupRecord
from commands.domain.errors import EngineError
from commands.domain.plan import EvidenceItem
from commands.domain.text import text
from commands.planner.pins import compose_name
from workers.steps.ports import Ports
from workers.steps.progress import Before, Outcome, Progress

PATH = "path"
MB = 1_000_000
SHORT = 12


@dataclass(frozen=True, slots=True)
class TakeBackup:
    """One dump of the whole database, streamed through SHA-256 into the folder (H3, H10).

    Serves no user. The file is named when the step is captured: a worker that goes on after a
    crash finds the very file, whole and with its note, or makes it again under that name.
    """

    ports: Ports
    database: str
    timeout_s: float
    captured: Before

    def capture(self) -> dict[str, str]:
        """The path that the dump will have."""
        return {PATH: self.ports.folder.new_path(self.database, self.ports.rollback_id)}

    def probe(self, before: Before) -> Progress:
        """A file with its note is whole; what it says of itself is evidence still to be told."""
        return Progress.PARTIAL if self._made(before) else Progress.UNTOUCHED

    def apply(self) -> Outcome:
        """Raises DiskFullError, CommandFailedError, BackupInvalidError; then nothing is left."""
        ran = self._versions()
        made = self._made(self.captured)
        record = made or self.ports.production.dump(
            self.database, self.captured[PATH], self.timeout_s
        )
        if not record.versions:
            record = record.model_copy(update={"versions": ran})
            self.ports.folder.note(record)
        return Outcome(
            detail=text("db.backed_up", **_facts(record)),
            evidence=(_evidence(record),),
        )

    def changed_since(self, before: Before) -> None:
        """A backup takes nothing from anybody."""

    def revert(self, before: Before) -> None:
        """A backup stays: it is kept and let go by the folder's own rule."""

    def _versions(self) -> dict[str, str]:
        """What uses the database now, by service: a backup of a faulty release says so (H4)."""
        ports = self.ports
        found: dict[str, str] = {}
        for name in ports.limits.dependants:
            # An engine that is away takes nothing from the worth of a backup.
            with suppress(EngineError):
                now = ports.containers.running(compose_name(name, ports.service(name)))
                if now is not None and now.version:
                    found[name] = now.version
        return found

    def _made(self, before: Before) -> BackupRecord | None:
        name = PurePath(before.get(PATH, "")).name
        listed = self.ports.folder.listed(self.database) if name else ()
        return next((one for one in listed if one.name == name and one.sha256), None)


def _evidence(record: BackupRecord) -> EvidenceItem:
    found = f"{record.name} sha256:{record.sha256}"
    said = text("db.evidence_backup", sha=record.sha256[:SHORT], **_facts(record))
    return EvidenceItem(name="backup", ok=True, found=found, said=said)


def _facts(record: BackupRecord) -> dict[str, str | float]:
    return {
        "name": record.name,
        "mb": record.size_bytes / MB,
        "seconds": round(record.seconds, 1),
        "at": f"{record.taken_at:%Y-%m-%d %H:%M} UTC",
    }
