"""A copy of ours, made from a backup, on a server that has room for it.

Safe to repeat from any point: what is there is dropped and made again.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from commands.database_ports import Database
from commands.domain.database import BackupRecord
from commands.domain.errors import (
    BackupInvalidError,
    CheckFailedError,
    DiskFullError,
    RollbotError,
)
from commands.domain.text import Param
from workers.proving import Proof
from workers.steps.ports import Ports

ROOM = 1.2
"""A restored database may be larger than its source was: indexes are built anew, WAL is written."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What came out: the note as it is now, and how many tables were compared with the old one.

    `compared` 0: an old archive says nothing of its counts, it was only restored without an error.
    """

    record: BackupRecord
    compared: int

    def facts(self) -> dict[str, Param]:
        """For people."""
        return {
            "n": len(self.record.counts),
            "rows": sum(self.record.counts.values()),
            "seconds": round(self.record.prove_seconds or 0.0, 1),
        }


def found_backup(ports: Ports, name: str) -> BackupRecord:
    """The backup of that name. Raises BackupInvalidError when it is not in the folder."""
    named = (one for one in ports.folder.listed(ports.limits.name) if one.name == name)
    record = next(named, None)
    if record is None:
        raise BackupInvalidError(name, "missing")
    return record


def restore_copy(
    server: Database, ports: Ports, record: BackupRecord, into: str, timeout_s: float
) -> Restored:
    """Restore it into `into` (a name of ours), compare every count, mark the copy whole.

    That proves it, and its note says so. Raises BackupInvalidError, DiskFullError, and
    CheckFailedError (`check.room_unknown`) on production's server, with nothing left there.
    """
    source = ports.limits.name
    like = source if server.exists(source) else ""
    try:
        server.drop(into)
        _refuse_when_full(server, ports, into)
        proof = Proof(ports.folder, server, ports.clock, like)
        return Restored(proof.of(record, into, timeout_s), len(record.counts))
    except RollbotError:
        # A half of a copy is of no use to anybody; the failure itself is what people must read.
        with suppress(RollbotError):
            server.drop(into)
        raise


def _refuse_when_full(server: Database, ports: Ports, into: str) -> None:
    source = ports.limits.name
    free = server.server().free_bytes
    if free is None and server is ports.production and ports.limits.clone != "always":
        raise CheckFailedError("check.room_unknown", environment=ports.environment)
    # Only the server that has the source too can say how large it is.
    needed = int(ROOM * server.size_bytes(source)) if server.exists(source) else 0
    if free is not None and free < needed:
        raise DiskFullError(database=into, needed_bytes=needed, free_bytes=free)
