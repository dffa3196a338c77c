"""What the core needs of a database, its migrations, its backups and the proxy before it.

Synchronous, worker-side; every method raises only RollbotError subclasses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, Self

from commands.domain.actions import Target
from commands.domain.database import BackupRecord, Loss, RevisionId, ScriptGraph, Session, Tie
from commands.domain.database_actions import Migration
from commands.domain.database_looks import (
    Counts,
    Finding,
    ProxySeen,
    ServerFacts,
    Shape,
    Watched,
)
from commands.ports import OneOffOutcome

__all__ = [
    "Backups",
    "Counts",
    "Database",
    "Finding",
    "MigrationTool",
    "Proxy",
    "ProxySeen",
    "ServerFacts",
    "Shape",
    "Skipped",
    "Watched",
    "WatchedRun",
]


class Database(Protocol):
    """One PostgreSQL server: questions by SQL, copies by the server's own client tools.

    `database` is a database's name on it. Every session calls itself
    `commands.domain.naming.application(rollback_id)`. Raises DatabaseUnavailableError,
    DatabaseError, CommandFailedError, CommandTimedOutError, DiskFullError, BackupInvalidError.
    """

    def server(self) -> ServerFacts:
        """Versions and room."""
        ...

    def place(self, database: str) -> str:
        """Which server this is (when it was started, in microseconds), and the database's name."""
        ...

    def exists(self, database: str) -> bool:
        """Whether there is such a database."""
        ...

    def size_bytes(self, database: str) -> int:
        """How large it is on disk."""
        ...

    def revisions(self, database: str) -> tuple[RevisionId, ...]:
        """The rows of alembic_version, sorted; empty when there is no such table."""
        ...

    def counts(self, database: str, timeout_s: float) -> Counts:
        """Exact rows of every ordinary table, in one snapshot, `alembic_version` left out."""
        ...

    def writes(self, database: str) -> Mapping[str, str]:
        """A word for each table, another one once it was written to; drain before, to be sure."""
        ...

    def rows_at_risk(
        self, database: str, losses: Sequence[Loss], timeout_s: float
    ) -> tuple[Loss, ...]:
        """The same losses; rows (not null, of a column) and sizes told, or late ones guessed."""
        ...

    def shape(self, database: str) -> Shape:
        """Every user object by kind and name."""
        ...

    def sessions(self, database: str) -> tuple[Session, ...]:
        """Client sessions on it, ours left out, the oldest transaction first."""
        ...

    def ties(self, database: str) -> tuple[Tie, ...]:
        """What would make a copy, a swap or a drop of it fail or do harm, sessions left out."""
        ...

    def drain(self, database: str, patience_s: float) -> tuple[Session, ...]:
        """Wait until no client is left, then end those that stay; returns whom it ended.

        Raises DatabaseError when somebody comes back faster than they are ended.
        """
        ...

    def clone(self, source: str, copy: str, timeout_s: float) -> None:
        """Copy a whole database beside it (`strategy file_copy`); its sessions are ended first."""
        ...

    def is_whole(self, database: str) -> bool:
        """Whether the clone or restore of that name was finished (it is marked when it is)."""
        ...

    def mark_whole(self, database: str) -> None:
        """Say so on the database itself (a comment on it)."""
        ...

    def swap(self, name: str, incoming: str, outgoing: str) -> None:
        """`name` is renamed to `outgoing`, `incoming` to `name`, in one transaction.

        Sessions of both are ended. Safe to repeat: done already is not an error.
        """
        ...

    def drop(self, database: str) -> None:
        """Drop it, its sessions ended; not there is not an error."""
        ...

    def create(self, database: str, like: str = "") -> None:
        """An empty database with the owner, encoding and locale of `like`."""
        ...

    def dump(
        self, database: str, path: str, timeout_s: float, tables: Sequence[str] = ()
    ) -> BackupRecord:
        """Dump into a new file (custom format, compressed), streamed through SHA-256.

        Written under a temporary name, fsynced, renamed, with its note beside it; on any failure
        nothing is left. The counts are of the dump's own snapshot. Raises DiskFullError too.
        """
        ...

    def restore(self, path: str, into: str, timeout_s: float) -> None:
        """Restore a dump of ours, or an old `*.sql.gz`, into an empty database.

        The file is read whole first: BackupInvalidError comes before the server is touched.
        """
        ...

    def integrity(self, database: str, expected: Counts, timeout_s: float) -> tuple[Finding, ...]:
        """Counts of `expected` tables, orphans of every foreign key, sequences, indexes."""
        ...

    def watch(self, database: str, lock_timeout_s: float) -> WatchedRun:
        """Watch locks around a `with` block, from a session of its own.

        Somebody else's session on that database that waits for a lock longer than
        `lock_timeout_s` is ended: for the migration, whatever driver it uses (H17).
        """
        ...

    def settle(self) -> None:
        """End what sessions of this rollback still do here (an earlier job process died)."""
        ...


class WatchedRun(Protocol):
    """A context manager; `seen` after it tells what was seen."""

    seen: Watched

    def __enter__(self) -> Self:
        """Begin to look, every 20 ms."""
        ...

    def __exit__(self, *problem: object) -> None:
        """Stop looking."""
        ...


class Backups(Protocol):
    """The folder of backups and the notes beside them."""

    def listed(self, database: str) -> tuple[BackupRecord, ...]:
        """Every backup of a database, newest first; files without a note are listed unproven."""
        ...

    def path(self, name: str) -> str:
        """The file's path. Raises BackupInvalidError when it is not there."""
        ...

    def new_path(self, database: str, by: str) -> str:
        """The path for a new one: `samokoder_20261123T024100Z_RB-17.dump.zst` (H10)."""
        ...

    def note(self, record: BackupRecord) -> None:
        """Write the note beside the file, atomically."""
        ...

    def free_bytes(self) -> int | None:
        """Room in the folder."""
        ...

    def prune(
        self, database: str, keep_days: int, keep_at_least: int, needed: Sequence[str]
    ) -> tuple[str, ...]:
        """Delete what is older and not needed; returns the names.

        Never the newest `keep_at_least` proven ones of ours, nor what a rollback kept.
        """
        ...


class MigrationTool(Protocol):
    """Alembic in a service's image."""

    def graph(self, target: Target) -> ScriptGraph:
        """The scripts of a local image, read without a database; remembered by its digest."""
        ...

    def sql(self, migration: Migration) -> str:
        """What the migration would run, offline. Raises CommandFailedError when it cannot."""
        ...

    def run(
        self, migration: Migration, database: str, timeout_s: float, *, scratch: bool
    ) -> OneOffOutcome:
        """Run it on that database, on the scratch server when `scratch`; a bad exit is returned."""
        ...


class Proxy(Protocol):
    """The proxy before the services. Raises ProxyError."""

    def enter(self, rollback_id: str) -> None:
        """Write the maintenance configuration, atomically, and have the proxy read it."""
        ...

    def leave(self) -> None:
        """Take it away again. Safe to repeat."""
        ...

    def is_entered(self) -> bool:
        """Whether the configuration says so."""
        ...

    def seen(self) -> ProxySeen:
        """Ask the public address as a user would, and the health path."""
        ...


Skipped = Callable[[], bool]
"""Whether people decided meanwhile that a running rehearsal is to be left."""
