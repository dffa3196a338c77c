"""Locks seen from outside, and the end of a migration that waits for one too long (H17)."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Self

from psycopg import errors

from commands.database_ports import Watched
from commands.domain.errors import RollbotError
from workers.adapters.postgres.address import Address, Link

LOOK_EVERY_S = 0.02
AGAIN_S = 0.2

_CLIENTS_WANT = ("AccessShareLock", "RowShareLock", "RowExclusiveLock")
_KNOWN = "SELECT pid, backend_start FROM pg_stat_activity WHERE datname = %s"
# A lock on a table that is only being made keeps nobody out: we do not see it in pg_class yet.
_LOOK = """
    SELECT a.pid, a.backend_start, a.application_name = %(ours)s,
           coalesce(nullif(a.application_name, ''), a.usename, ''),
           extract(epoch FROM clock_timestamp() - a.xact_start)::float8,
           extract(epoch FROM clock_timestamp() - (
               SELECT min(l.waitstart) FROM pg_locks l WHERE l.pid = a.pid AND NOT l.granted
           ))::float8,
           (SELECT min(l.mode) FROM pg_locks l
            WHERE l.pid = a.pid AND NOT l.granted AND l.locktype = 'relation'),
           CASE WHEN a.wait_event_type = 'Lock' THEN pg_blocking_pids(a.pid) ELSE '{}' END,
           EXISTS (
               SELECT 1 FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
               WHERE l.pid = a.pid AND l.granted AND l.mode = 'AccessExclusiveLock'
                 AND l.locktype = 'relation' AND c.relkind IN ('r', 'p', 'm')
                 AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
           )
    FROM pg_stat_activity a WHERE a.datname = %(database)s AND a.pid <> pg_backend_pid()
      AND a.backend_type = 'client backend'
"""


@dataclass(frozen=True, slots=True)
class _Seen:
    """A session at one look."""

    pid: int
    started: object
    is_named: bool
    who: str
    transaction_s: float | None
    waits_s: float | None
    wants: str | None
    behind: tuple[int, ...]
    keeps_readers_out: bool

    def __str__(self) -> str:
        since = "" if self.transaction_s is None else f", {self.transaction_s:.0f} s"
        return f"{self.who} (pid {self.pid}{since})"


@dataclass(slots=True)
class LockWatch:
    """`WatchedRun`: looks every 20 ms from a session of its own, on the database itself.

    Ours are the sessions that call themselves so; where none ever did (a driver that does not
    read PGAPPNAME), all that came after the watch began: everybody else was drained before.
    """

    address: Address
    application: str
    database: str
    lock_timeout_s: float
    seen: Watched = field(default_factory=Watched)
    _over: threading.Event = field(default_factory=threading.Event)
    _ready: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None
    _known: frozenset[tuple[int, object]] | None = None
    _named_once: bool = False
    _held_since: dict[int, float] = field(default_factory=dict)
    _holders: dict[int, str] = field(default_factory=dict)

    def __enter__(self) -> Self:
        """Begin to look; returns when the first look was taken, or cannot be."""
        self._thread = threading.Thread(target=self._run, name="lock-watch", daemon=True)
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *problem: object) -> None:
        """Stop looking."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        try:
            while not self._over.is_set():
                # Whoever ends our session must not take the limit from the migration's.
                with suppress(RollbotError):
                    self._watch()
                self._ready.set()
                self._over.wait(AGAIN_S)
        finally:
            self._ready.set()

    def _watch(self) -> None:
        with self.address.connected(self.database, self.application) as link:
            if self._known is None:
                self._known = frozenset(link.execute(_KNOWN, [self.database]).fetchall())
            while not self._over.is_set():
                self._look(link)
                self._ready.set()
                self._over.wait(LOOK_EVERY_S)

    def _look(self, link: Link) -> None:
        asked = {"ours": self.application, "database": self.database}
        all_seen = {row[0]: _seen(row) for row in link.execute(_LOOK, asked).fetchall()}
        ours = self._ours(all_seen)
        for one in all_seen.values():
            if one.pid in ours:
                self._note_ours(one, all_seen, link)
            elif ours & set(one.behind):
                self._most(blocked_s=one.waits_s or 0.0)
        for pid in set(self._held_since) - {p for p in ours if all_seen[p].keeps_readers_out}:
            del self._held_since[pid]

    def _ours(self, all_seen: dict[int, _Seen]) -> set[int]:
        named = {one.pid for one in all_seen.values() if one.is_named}
        self._named_once |= bool(named)
        if self._named_once:
            return named
        new = {p for p, one in all_seen.items() if (p, one.started) not in (self._known or ())}
        # A client that came since reads or writes, and waits behind the migration.
        clients = {
            p for p in new if all_seen[p].wants in _CLIENTS_WANT and new & set(all_seen[p].behind)
        }
        return new - clients

    def _note_ours(self, one: _Seen, all_seen: dict[int, _Seen], link: Link) -> None:
        if one.keeps_readers_out:
            now = time.monotonic()
            self._most(held_s=now - self._held_since.setdefault(one.pid, now))
        if one.waits_s is None or not one.behind:
            return
        self._holders |= {pid: str(all_seen[pid]) for pid in one.behind if pid in all_seen}
        self._most(waited_s=one.waits_s)
        if one.waits_s > self.lock_timeout_s:
            # Not ours to end after all: the wait is told, and its own lock_timeout may end it.
            with suppress(errors.InsufficientPrivilege):
                link.execute("SELECT pg_terminate_backend(%s)", [one.pid])

    def _most(self, blocked_s: float = 0.0, waited_s: float = 0.0, held_s: float = 0.0) -> None:
        self.seen = Watched(
            blocked_s=max(self.seen.blocked_s, blocked_s),
            waited_s=max(self.seen.waited_s, waited_s),
            held_s=max(self.seen.held_s, held_s),
            holders=tuple(self._holders.values()),
        )


def _seen(row: tuple[Any, ...]) -> _Seen:
    pid, started, is_named, who, transaction_s, waits_s, wants, behind, keeps_out = row
    named, waits_behind = bool(is_named), tuple(behind)
    return _Seen(pid, started, named, who, transaction_s, waits_s, wants, waits_behind, keeps_out)
