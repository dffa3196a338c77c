"""A PostgreSQL server and a folder of backups in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import PurePosixPath
from typing import Self

from commands.database_ports import Counts, Finding, ServerFacts, Shape, Watched
from commands.domain.database import BackupRecord, Loss, RevisionId, Session, Tie
from commands.domain.errors import BackupInvalidError, DatabaseError, RollbotError
from commands.ports import Clock
from tests.fakes.clock import FixedClock


@dataclass(frozen=True, slots=True)
class FakeContent:
    """What is in one database."""

    counts: Counts = field(default_factory=dict)
    revisions: tuple[RevisionId, ...] = ()
    shape: Shape = field(default_factory=lambda: Shape({}))
    broken: tuple[Finding, ...] = ()


@dataclass(slots=True)
class FakeShelf:
    """Backup files and notes, by path; a server and a folder share one."""

    files: dict[str, FakeContent] = field(default_factory=dict)
    notes: dict[str, BackupRecord] = field(default_factory=dict)
    damaged: set[str] = field(default_factory=set)


@dataclass(slots=True)
class FakeWatch:
    """`WatchedRun`: has seen what it was told."""

    seen: Watched = field(default_factory=Watched)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *problem: object) -> None:
        return


@dataclass(slots=True)
class FakeDatabase:
    """`Database`. `calls` names what was done, in order; `fails[name]` is raised by that call.

    `meanwhile[name]` is what somebody else does when that call begins.
    """

    databases: dict[str, FakeContent] = field(default_factory=dict)
    shelf: FakeShelf = field(default_factory=FakeShelf)
    clock: Clock = field(default_factory=FixedClock)
    facts: ServerFacts = field(default_factory=lambda: ServerFacts(150018, 150018, 10**12))
    clients: dict[str, tuple[Session, ...]] = field(default_factory=dict)
    tied: dict[str, tuple[Tie, ...]] = field(default_factory=dict)
    whole: set[str] = field(default_factory=set)
    seen: Watched = field(default_factory=Watched)
    fails: dict[str, RollbotError] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    meanwhile: dict[str, Callable[[], object]] = field(default_factory=dict)

    def server(self) -> ServerFacts:
        self._called("server")
        return self.facts

    def place(self, database: str) -> str:
        self._of(database)
        return f"{id(self)} {database}"

    def exists(self, database: str) -> bool:
        self._called("exists", database)
        return database in self.databases

    def size_bytes(self, database: str) -> int:
        return 1_000_000 + 100 * sum(self._of(database).counts.values())

    def revisions(self, database: str) -> tuple[RevisionId, ...]:
        self._called("revisions", database)
        return tuple(sorted(self._of(database).revisions))

    def counts(self, database: str, timeout_s: float) -> Counts:
        self._called("counts", database)
        return dict(self._of(database).counts)

    def writes(self, database: str) -> dict[str, str]:
        self._called("writes", database)
        return {table: f"{rows}.0" for table, rows in self._of(database).counts.items()}

    def rows_at_risk(
        self, database: str, losses: Sequence[Loss], timeout_s: float
    ) -> tuple[Loss, ...]:
        self._called("rows_at_risk", database)
        counts = self._of(database).counts
        return tuple(
            loss.model_copy(update={"rows": rows})
            if (rows := counts.get(_table(loss))) is not None
            else loss
            for loss in losses
        )

    def shape(self, database: str) -> Shape:
        return self._of(database).shape

    def sessions(self, database: str) -> tuple[Session, ...]:
        self._of(database)
        return self.clients.get(database, ())

    def ties(self, database: str) -> tuple[Tie, ...]:
        return self.tied.get(database, ())

    def drain(self, database: str, patience_s: float) -> tuple[Session, ...]:
        self._called("drain", database)
        return self.clients.pop(database, ())

    def clone(self, source: str, copy: str, timeout_s: float) -> None:
        self._called("clone", source, copy)
        self._make(copy, self._of(source))
        self.clients.pop(source, None)
        self.whole.add(copy)

    def is_whole(self, database: str) -> bool:
        return database in self.databases and database in self.whole

    def mark_whole(self, database: str) -> None:
        self._called("mark_whole", database)
        self._of(database)
        self.whole.add(database)

    def swap(self, name: str, incoming: str, outgoing: str) -> None:
        self._called("swap", name, incoming, outgoing)
        there = tuple(one in self.databases for one in (name, incoming, outgoing))
        if there == (True, False, True):
            return
        if there != (True, True, False):
            raise DatabaseError(name, "3D000", "is missing")
        marked = incoming in self.whole
        self.whole -= {name, incoming, outgoing}
        for old, new in ((name, outgoing), (incoming, name)):
            self.databases[new] = self.databases.pop(old)
            self.clients.pop(old, None)
        if marked:
            self.whole.add(outgoing)

    def drop(self, database: str) -> None:
        self._called("drop", database)
        self.databases.pop(database, None)
        self.whole.discard(database)

    def create(self, database: str, like: str = "") -> None:
        self._called("create", database)
        self._make(database, FakeContent())

    def dump(
        self, database: str, path: str, timeout_s: float, tables: Sequence[str] = ()
    ) -> BackupRecord:
        self._called("dump", database, path)
        content = self._of(database)
        counts = {t: n for t, n in content.counts.items() if not tables or t in tables}
        name = PurePosixPath(path).name
        record = BackupRecord(
            name=name,
            database=database,
            taken_at=self.clock.now(),
            revisions=self.revisions(database),
            size_bytes=1000,
            sha256=f"{len(self.shelf.files):064x}",
            by=name.removesuffix(".dump.zst").rpartition("_")[2],
            server_version=self.facts.version,
            counts=counts,
            tables=tuple(tables),
            seconds=1.0,
        )
        self.shelf.files[path] = replace(content, counts=counts)
        self.shelf.notes[path] = record
        return record

    def restore(self, path: str, into: str, timeout_s: float) -> None:
        self._called("restore", path, into)
        name = PurePosixPath(path).name
        if path not in self.shelf.files:
            raise BackupInvalidError(name, "missing")
        if path in self.shelf.damaged:
            raise BackupInvalidError(name, "truncated")
        if self._of(into) != FakeContent():
            raise DatabaseError(into, "", "is not empty")
        self.databases[into] = self.shelf.files[path]

    def integrity(self, database: str, expected: Counts, timeout_s: float) -> tuple[Finding, ...]:
        self._called("integrity", database)
        content = self._of(database)
        counted = tuple(
            Finding(
                "count",
                table,
                content.counts.get(table) == wanted,
                f"{content.counts.get(table, '-')}/{wanted}",
            )
            for table, wanted in sorted(expected.items())
        )
        return (*counted, *content.broken)

    def watch(self, database: str, lock_timeout_s: float) -> FakeWatch:
        self._called("watch", database)
        return FakeWatch(self.seen)

    def settle(self) -> None:
        self._called("settle")

    def _of(self, database: str) -> FakeContent:
        if database not in self.databases:
            raise DatabaseError(database, "3D000", f'database "{database}" does not exist')
        return self.databases[database]

    def _make(self, database: str, content: FakeContent) -> None:
        if database in self.databases:
            raise DatabaseError(database, "42P04", f'database "{database}" already exists')
        self.databases[database] = content

    def _called(self, name: str, *about: str) -> None:
        self.calls.append(" ".join((name, *about)))
        self.meanwhile.get(name, lambda: None)()
        if name in self.fails:
            raise self.fails[name]


@dataclass(slots=True)
class FakeBackups:
    """`Backups` over a shelf."""

    shelf: FakeShelf = field(default_factory=FakeShelf)
    clock: Clock = field(default_factory=FixedClock)
    folder: str = "/backups"
    free: int | None = 10**12

    def listed(self, database: str) -> tuple[BackupRecord, ...]:
        mine = [note for note in self.shelf.notes.values() if note.database == database]
        return tuple(sorted(mine, key=lambda one: (one.taken_at, one.name), reverse=True))

    def path(self, name: str) -> str:
        path = f"{self.folder}/{name}"
        if path not in self.shelf.files or "/" in name:
            raise BackupInvalidError(name, "missing")
        return path

    def new_path(self, database: str, by: str) -> str:
        stamp = self.clock.now().strftime("%Y%m%dT%H%M%SZ")
        for again in ("", *(f"_{n}" for n in range(2, 100))):
            path = f"{self.folder}/{database}_{stamp}_{by}{again}.dump.zst"
            if path not in self.shelf.files:
                return path
        raise AssertionError(path)

    def note(self, record: BackupRecord) -> None:
        self.shelf.notes[self.path(record.name)] = record

    def free_bytes(self) -> int | None:
        return self.free

    def prune(
        self, database: str, keep_days: int, keep_at_least: int, needed: Sequence[str]
    ) -> tuple[str, ...]:
        ours = [one for one in self.listed(database) if one.sha256 and not one.is_kept]
        proven = [one.name for one in ours if one.proven_at]
        kept = {*needed, *proven[: max(1, keep_at_least)]}
        before = self.clock.now() - timedelta(days=keep_days)
        gone = tuple(r.name for r in ours if r.name not in kept and r.taken_at < before)
        for name in gone:
            path = self.path(name)
            del self.shelf.files[path], self.shelf.notes[path]
        return gone


def _table(loss: Loss) -> str:
    return loss.name.rpartition(".")[0] if loss.what == "column" else loss.name
