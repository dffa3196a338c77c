"""A backup read whole, then restored into an empty database."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from psycopg import Copy, Cursor

from commands.domain.errors import (
    BackupInvalidError,
    CommandFailedError,
    CommandTimedOutError,
    DatabaseError,
    DiskFullError,
    RollbotError,
)
from workers.adapters import notes
from workers.adapters.piping import Piped, piped
from workers.adapters.postgres import counting, gentle, sessions
from workers.adapters.postgres.address import MAINTENANCE, Address, limit_statements
from workers.adapters.postgres.archive import CUSTOM, blocks
from workers.adapters.postgres.plain_sql import Part, PlainSql
from workers.adapters.postgres.programs import ClientPrograms
from workers.adapters.rows import without_rows
from workers.adapters.surroundings import Surroundings

_NO_SPACE = "No space left on device"


@dataclass(frozen=True, slots=True)
class Restore:
    """One restore. `is_scratch`: without owners and grants."""

    address: Address
    programs: ClientPrograms
    surroundings: Surroundings
    application: str
    is_scratch: bool = False

    def of(self, path: str, into: str, timeout_s: float) -> None:
        """Read it whole, then restore it; `timeout_s` for each of the two.

        Raises BackupInvalidError before the server is touched, then DatabaseError (when the
        database is not empty, too), CommandFailedError, CommandTimedOutError, DiskFullError.
        """
        file = Path(path)
        is_custom = self._read_whole(file, timeout_s)
        with self.address.connected(into, self.application) as link:
            if counting.shape(link).names.get("table"):
                raise DatabaseError(into, "", "is not empty")
        if is_custom:
            self._by_program(file, into, timeout_s)
        else:
            self._by_statements(file, into, timeout_s)

    def _read_whole(self, file: Path, timeout_s: float) -> bool:
        """Whether it is of pg_dump's own format; the file is proven to its last byte.

        A reader that was killed, that is not there or that stumbles over the very bytes that were
        proven says nothing of the backup: what it said is raised as it is.
        """
        found = blocks(file)
        first = next(found, b"")
        whole = chain((first,), found)
        if not first.startswith(CUSTOM):
            for _ in PlainSql(file.name).parts(whole):
                continue
            return False
        try:
            self._pg_restore(whole, ("--file=/dev/null",), timeout_s)
        except CommandFailedError as error:
            if not _is_about_the_archive(error) or _is_as_proven(file):
                raise
            said = error.tail.splitlines()[-1] if error.tail else ""
            raise BackupInvalidError(file.name, "unreadable", said) from error
        return True

    def _by_program(self, file: Path, into: str, timeout_s: float) -> None:
        wanted = ("--no-owner", "--no-privileges") if self.is_scratch else ()
        # A subscription would come with production's slot name, and hold the copy: it could not be
        # dropped. Publications stay: a migration may trip over one, and production needs its own.
        options = ("--exit-on-error", "--no-password", "--no-subscriptions", *wanted)
        try:
            self._pg_restore(blocks(file), (*options, f"--dbname={into}"), timeout_s)
        except BaseException as error:
            # In a container it may live on without its client: its session ends it.
            with (
                suppress(RollbotError),
                self.address.connected(MAINTENANCE, self.application) as link,
            ):
                sessions.end_named(link, self._name)
            if isinstance(error, CommandFailedError) and _NO_SPACE in error.tail:
                raise DiskFullError(database=into, why=error.tail) from error
            raise

    def _pg_restore(
        self, content: Iterable[bytes], options: tuple[str, ...], timeout_s: float
    ) -> None:
        given = self.programs.address(self.address).variables(self._name)
        if not self.is_scratch:
            given["PGOPTIONS"] = f"{given.get('PGOPTIONS', '')} {gentle.OPTIONS}".strip()
        with piped(
            self.programs.argv(("pg_restore", *options), given),
            stream="stdin",
            timeout_s=timeout_s,
            env={**self.surroundings.environment, **given},
            lease_fd=self.surroundings.lease_fd,
            held=tuple(self.surroundings.held),
            redact=self._redacted,
        ) as program:
            _feed(program, content)

    def _redacted(self, said: str) -> str:
        return self.surroundings.redact(without_rows(self.address.redacted(said)))

    @property
    def _name(self) -> str:
        return f"{self.application} pg_restore"

    def _by_statements(self, file: Path, into: str, timeout_s: float) -> None:
        parts = PlainSql(file.name, without_owners=self.is_scratch).parts(blocks(file))
        with self.address.connected(into, self.application, timeout_s) as link:
            if not self.is_scratch:
                gentle.session(link)
            # Several statements at a time go as they are, never as a prepared one.
            link.prepare_threshold = None
            with link.transaction(), link.cursor() as cursor:
                _execute(cursor, parts, timeout_s)


def _is_about_the_archive(error: CommandFailedError) -> bool:
    """It ended by itself, and either said why or (exit code 0) had no use for the rest."""
    said = any(line.startswith("pg_restore: ") for line in error.tail.splitlines())
    return error.exit_code == 0 or (error.exit_code == 1 and said)


def _is_as_proven(file: Path) -> bool:
    """Whether these are the bytes that were proven. Raises BackupInvalidError when they are not."""
    note = notes.read(file)
    if note is None or note.proven_at is None or not note.sha256:
        return False
    for _ in blocks(file):
        continue
    return True


def _execute(cursor: Cursor[tuple[Any, ...]], parts: Iterable[Part], timeout_s: float) -> None:
    until = time.monotonic() + timeout_s
    with ExitStack() as copying:
        copy: Copy | None = None
        for kind, content in parts:
            left_s = until - time.monotonic()
            if left_s <= 0:
                raise CommandTimedOutError("restore", timeout_s)
            if kind == "rows" and copy is not None:
                copy.write(content)
                continue
            copying.close()
            limit_statements(cursor.connection, left_s)
            if kind == "copy":
                copy = copying.enter_context(cursor.copy(content))
            else:
                cursor.execute(content)


def _feed(program: Piped, content: Iterable[bytes]) -> None:
    try:
        for block in content:
            rest = memoryview(block)
            while rest:
                rest = rest[os.write(program.pipe.fileno(), rest) :]
    except BrokenPipeError as error:
        program.finished()
        raise CommandFailedError(program.program, 0, "did not read all of it") from error
    program.finished()
