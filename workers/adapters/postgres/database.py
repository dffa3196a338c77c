"""The `Database` port on one PostgreSQL server."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial

from commands.database_ports import Counts, Finding, ServerFacts, Shape
from commands.domain import naming
from commands.domain.database import BackupRecord, Loss, RevisionId, Session, Tie
from workers.adapters.postgres import copies, counting, gentle, sessions, tied, written
from workers.adapters.postgres.address import MAINTENANCE, Address, Link
from workers.adapters.postgres.dumping import Dump
from workers.adapters.postgres.integrity import Integrity
from workers.adapters.postgres.programs import ClientPrograms, OnHost, client_version
from workers.adapters.postgres.restoring import Restore
from workers.adapters.postgres.watching import LockWatch
from workers.adapters.surroundings import Surroundings

_RENAME_S = 60.0


@dataclass(frozen=True, slots=True)
class Postgres:
    """PostgreSQL 15 or newer.

    `where` is asked before every session: a container may have got another address. Sessions and
    programs call themselves `application` (`commands.domain.naming.application`). `is_scratch`:
    a server of its own for proofs, where production's roles are not known, so that a restore
    leaves owners and grants out. `disk_bytes` is what people say of a disk that cannot be seen.
    """

    where: Callable[[], Address]
    surroundings: Surroundings
    application: str
    programs: ClientPrograms = field(default_factory=OnHost)
    is_scratch: bool = False
    disk_bytes: int | None = None

    def server(self) -> ServerFacts:
        """Versions and room: the least of the disks that its databases are on."""
        with self._apart() as link:
            version, disks = link.info.server_version, copies.disks(link)
            taken = None if self.disk_bytes is None else counting.taken_bytes(link)
        free = [self.programs.free_bytes(path) for path in disks]
        least = None if None in free or not free else min(n for n in free if n is not None)
        if least is None and self.disk_bytes is not None and taken is not None:
            least = max(0, self.disk_bytes - taken)
        return ServerFacts(version, client_version(self.programs, self.surroundings), least)

    def place(self, database: str) -> str:
        """Which server this is: no two were started in one microsecond; and the database's name."""
        with self._on(database) as link:
            return counting.place(link)

    def exists(self, database: str) -> bool:
        """Whether there is such a database."""
        with self._apart() as link:
            return copies.exists(link, database)

    def size_bytes(self, database: str) -> int:
        """How large it is on disk."""
        with self._apart() as link:
            asked = "SELECT pg_database_size(%s::name)"
            return int(str(counting.one(link, asked, [database])))

    def revisions(self, database: str) -> tuple[RevisionId, ...]:
        """The rows of alembic_version, sorted; empty when there is no such table."""
        with self._on(database) as link:
            return counting.revisions(link)

    def counts(self, database: str, timeout_s: float) -> Counts:
        """Exact rows of every ordinary table, in one snapshot, `alembic_version` left out."""
        with self._on(database, timeout_s) as link, link.transaction():
            link.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            return counting.counts(link, timeout_s)

    def writes(self, database: str) -> Mapping[str, str]:
        """A word for each table, another one once it was written to. Reads change none."""
        with self._on(database) as link:
            return written.writes(link)

    def rows_at_risk(
        self, database: str, losses: Sequence[Loss], timeout_s: float
    ) -> tuple[Loss, ...]:
        """The same losses with rows and sizes; late ones by the server's statistics."""
        with self._on(database) as link:
            return counting.at_risk(link, losses, timeout_s)

    def shape(self, database: str) -> Shape:
        """Every user object by kind and name."""
        with self._on(database) as link:
            return counting.shape(link)

    def sessions(self, database: str) -> tuple[Session, ...]:
        """Client sessions on it, rollbot's left out, the oldest transaction first."""
        with self._on(database) as link:
            return sessions.clients(link, database)

    def ties(self, database: str) -> tuple[Tie, ...]:
        """Slots, subscriptions, replication sessions, prepared transactions, background workers."""
        with self._apart() as link:
            return tied.ties(link, database)

    def drain(self, database: str, patience_s: float) -> tuple[Session, ...]:
        """Wait until no client is left, then end those that stay; returns whom it ended."""
        with self._apart() as link:
            return sessions.drain(link, database, patience_s)

    def clone(self, source: str, copy: str, timeout_s: float) -> None:
        """Copy a whole database beside it and mark it whole; its sessions are ended first."""
        copies.clone(partial(self._apart, timeout_s), source, copy)

    def is_whole(self, database: str) -> bool:
        """Whether the clone or restore of that name was finished."""
        with self._apart() as link:
            return copies.is_whole(link, database)

    def mark_whole(self, database: str) -> None:
        """Say so on the database itself (a comment on it)."""
        with self._apart() as link:
            copies.mark_whole(link, database)

    def swap(self, name: str, incoming: str, outgoing: str) -> None:
        """Two renames in one transaction, the sessions of both ended. Safe to repeat."""
        copies.swap(partial(self._apart, _RENAME_S), name, incoming, outgoing)

    def drop(self, database: str) -> None:
        """Drop it, its sessions ended; not there is not an error."""
        with self._apart(None) as link:
            copies.drop(link, database)

    def create(self, database: str, like: str = "") -> None:
        """An empty database; owner, encoding, locale, settings and grants of `like`."""
        with self._apart() as link:
            copies.create(link, database, like)
            if naming.is_scratch(database) and not self.is_scratch:
                gentle.every_session(link, database, like)

    def dump(
        self, database: str, path: str, timeout_s: float, tables: Sequence[str] = ()
    ) -> BackupRecord:
        """Dump into a new file with its note; on any failure nothing is left."""
        dump = Dump(self.where(), self.programs, self.surroundings, self.application)
        return dump.into(path, database, timeout_s, tables)

    def restore(self, path: str, into: str, timeout_s: float) -> None:
        """Restore a dump of ours, or an old `*.sql.gz`, into an empty database."""
        restore = Restore(
            self.where(), self.programs, self.surroundings, self.application, self.is_scratch
        )
        restore.of(path, into, timeout_s)

    def integrity(self, database: str, expected: Counts, timeout_s: float) -> tuple[Finding, ...]:
        """Counts of `expected` tables, orphans of every foreign key, sequences, indexes."""
        with self._on(database) as link:
            return Integrity(link, timeout_s).findings(expected)

    def watch(self, database: str, lock_timeout_s: float) -> LockWatch:
        """Watch locks around a `with` block, from a session of its own."""
        return LockWatch(self.where(), self.application, database, lock_timeout_s)

    def settle(self) -> None:
        """End what sessions of this rollback still do here. Safe to repeat."""
        with self._apart() as link:
            sessions.end_named(link, self.application)

    @contextmanager
    def _on(self, database: str, timeout_s: float = 60.0) -> Iterator[Link]:
        with self.where().connected(database, self.application, timeout_s) as link:
            if naming.is_beside(database) and not self.is_scratch:
                gentle.session(link)
            yield link

    def _apart(self, timeout_s: float | None = 60.0) -> AbstractContextManager[Link]:
        """A session that stands in the way of no copy, rename or drop."""
        return self.where().connected(MAINTENANCE, self.application, timeout_s)
