"""A dump as a file: custom format, zstd, counted in its own snapshot.

`pg_dump -Fc -Z0 | zstd -1 -T2` is four times as fast as `pg_dump | gzip` (measured on 1.1 GB), and
pg_dump 15 has no zstd of its own, nor have all containers: it is compressed here.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import zstandard

from commands.database_ports import Counts
from commands.domain.database import BackupRecord
from commands.domain.errors import RollbotError
from workers.adapters import notes
from workers.adapters.partial_file import PartialFile, partial_file
from workers.adapters.piping import CHUNK_BYTES, Piped, piped
from workers.adapters.postgres import counting, sessions
from workers.adapters.postgres.address import MAINTENANCE, Address, Link
from workers.adapters.postgres.programs import ClientPrograms
from workers.adapters.rows import without_rows
from workers.adapters.surroundings import Surroundings

_LEVEL, _THREADS = 1, 2


@dataclass(frozen=True, slots=True)
class Dump:
    """One run of pg_dump."""

    address: Address
    programs: ClientPrograms
    surroundings: Surroundings
    application: str

    def into(
        self, path: str, database: str, timeout_s: float, tables: Sequence[str] = ()
    ) -> BackupRecord:
        """Dump into a new file with its note; on any failure nothing is left.

        `tables` as `Counts` names them; none: all, and all too where one of them has its rows
        in other tables (pg_dump --table=<a partitioned one> has none). Raises CommandFailedError,
        CommandTimedOutError, DiskFullError, BackupInvalidError (`unwritable`), DatabaseError.
        """
        file, began = Path(path), time.monotonic()
        taken_at = notes.taken_at(file.name) or datetime.now(UTC)
        with (
            partial_file(file) as written,
            self.address.connected(database, self.application, timeout_s) as link,
            link.transaction(),
        ):
            link.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            snapshot = str(counting.one(link, "SELECT pg_export_snapshot()"))
            revisions = counting.revisions(link)
            tables = tables if all(counting.holds_its_rows(link, one) for one in tables) else ()
            with _beside(link, partial(counting.counts, link, timeout_s, tables)) as counted:
                self._pour(written, database, snapshot, timeout_s, tables)
            record = BackupRecord(
                name=file.name,
                database=database,
                taken_at=taken_at,
                revisions=revisions,
                size_bytes=written.size,
                sha256=written.sha256,
                by=notes.made_by(file.name),
                server_version=link.info.server_version,
                counts=dict(counted.result()),
                tables=tuple(tables),
                seconds=round(time.monotonic() - began, 3),
            )
            _keep(written, record)
        return record

    def _pour(
        self,
        written: PartialFile,
        database: str,
        snapshot: str,
        timeout_s: float,
        tables: Sequence[str],
    ) -> None:
        name = f"{self.application} pg_dump"
        given = self.programs.address(self.address).variables(name)
        chosen = [f"--table={_pattern(table)}" for table in tables]
        dump = ("pg_dump", "--format=custom", "--compress=0", "--no-password", *chosen)
        argv = self.programs.argv((*dump, f"--snapshot={snapshot}", database), given)
        try:
            with piped(
                argv,
                stream="stdout",
                timeout_s=timeout_s,
                env={**self.surroundings.environment, **given},
                lease_fd=self.surroundings.lease_fd,
                held=tuple(self.surroundings.held),
                redact=self._redacted,
            ) as program:
                _compress(program, written)
        except BaseException:
            # In a container it may live on without its client: its session ends it.
            with (
                suppress(RollbotError),
                self.address.connected(MAINTENANCE, self.application) as link,
            ):
                sessions.end_named(link, name)
            raise

    def _redacted(self, said: str) -> str:
        return self.surroundings.redact(without_rows(self.address.redacted(said)))


def _keep(written: PartialFile, record: BackupRecord) -> None:
    """The note first: a file without one is nobody's, a note without a file is nothing."""
    try:
        notes.write(written.path, record)
        written.keep()
    except BaseException:
        notes.discard(written.path)
        raise


def _compress(program: Piped, written: PartialFile) -> None:
    compressor = zstandard.ZstdCompressor(level=_LEVEL, threads=_THREADS, write_checksum=True)
    frame = compressor.compressobj()
    chunk = memoryview(bytearray(CHUNK_BYTES))
    while size := os.readv(program.pipe.fileno(), [chunk]):
        written.write(frame.compress(chunk[:size]))
    # Its end is part of the proof: a frame is closed only after a dump that ended well.
    program.finished()
    written.write(frame.flush())


@contextmanager
def _beside(link: Link, count: partial[Counts]) -> Iterator[Future[Counts]]:
    """Count in another thread while the block runs; a block that fails does not wait for it.

    A count that failed takes the snapshot along: then it is raised, not what pg_dump makes of that.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="counts") as pool:
        counted = pool.submit(count)
        try:
            yield counted
        except BaseException as error:
            if counted.done() and (cause := counted.exception()):
                raise cause from error
            link.cancel_safe()
            raise


def _pattern(table: str) -> str:
    """A pattern of psql's folds and matches; between double quotes it does neither."""
    quoted = [part.replace('"', '""') for part in counting.split(table)]
    return ".".join(f'"{part}"' for part in quoted)
