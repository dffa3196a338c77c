"""A copy of ours, made from a backup: dropped, created, restored, compared, marked whole.

Safe to repeat from any point: what is not marked whole is dropped and made again.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from commands.database_ports import Database
from commands.domain.database import BackupRecord
from commands.domain.errors import BackupInvalidError, DiskFullError, RollbotError
from workers.steps.ports import Ports

ROOM = 1.2
"""A restored database may be larger than its source was: indexes are built anew, WAL is written."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What came out: rows per table, how many tables were compared, how long it took."""

    counts: Mapping[str, int]
    compared: int
    seconds: float

    @property
    def rows(self) -> int:
        """All rows of all tables."""
        return sum(self.counts.values())


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

    Raises BackupInvalidError and DiskFullError with nothing left on the server.
    """
    began = ports.clock.now()
    source = ports.limits.name
    try:
        server.drop(into)
        _refuse_when_full(server, ports, into)
        server.create(into, like=source if server.exists(source) else "")
        server.restore(ports.folder.path(record.name), into, timeout_s)
        counts = server.counts(into, timeout_s)
        compared = compare(record, counts)
        server.mark_whole(into)
    except RollbotError:
        # A half of a copy is of no use to anybody; the failure itself is what people must read.
        with suppress(RollbotError):
            server.drop(into)
        raise
    return Restored(counts, compared, since(ports, began))


def compare(record: BackupRecord, counts: Mapping[str, int]) -> int:
    """How many tables were compared with the counts of the dump's own snapshot; 0: it has none.

    Raises BackupInvalidError naming the first table that differs.
    """
    if not record.counts:
        return 0
    for table in sorted({*record.counts, *counts}):
        then, now = record.counts.get(table), counts.get(table)
        if then != now:
            raise BackupInvalidError(record.name, "counts", f"{table}: {then} ≠ {now}")
    return len(record.counts)


def since(ports: Ports, began: datetime) -> float:
    """Seconds, to be shown."""
    return round((ports.clock.now() - began).total_seconds(), 1)


def _refuse_when_full(server: Database, ports: Ports, into: str) -> None:
    source = ports.limits.name
    free = server.server().free_bytes
    # Only the server that has the source too can say how large it is.
    needed = int(ROOM * server.size_bytes(source)) if server.exists(source) else 0
    if free is not None and free < needed:
        raise DiskFullError(database=into, needed_bytes=needed, free_bytes=free)
