"""Who else is on a database, and the end of their sessions."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from psycopg import errors

from commands.domain.database import Session
from commands.domain.errors import DatabaseError
from workers.adapters.postgres.address import Link

OURS = "rollbot %"
"""`commands.domain.naming.application`: none of rollbot's sessions is a client."""

_LOOK_EVERY_S = 0.05
_INSIST_S = 5.0
_LEAVE_S = 1.0
_CLIENTS = """
    WITH clients AS (
        SELECT * FROM pg_stat_activity
        WHERE datname = %(database)s AND pid <> pg_backend_pid() AND backend_type = 'client backend'
    ), waits AS (
        SELECT pid, unnest(pg_blocking_pids(pid)) AS behind
        FROM clients WHERE wait_event_type = 'Lock'
    )
    SELECT c.pid, coalesce(c.usename, ''), coalesce(c.application_name, ''),
           coalesce(host(c.client_addr), ''), coalesce(c.state, ''),
           extract(epoch FROM clock_timestamp() - c.xact_start)::float8,
           (SELECT coalesce(array_agg(DISTINCT w.pid), '{}') FROM waits w WHERE w.behind = c.pid),
           (SELECT coalesce(array_agg(DISTINCT r.relname::text), '{}')
            FROM pg_locks l JOIN pg_class r ON r.oid = l.relation
            WHERE l.pid = c.pid AND l.granted AND l.locktype = 'relation'
              AND r.relkind IN ('r', 'p')
              AND r.relnamespace NOT IN ('pg_catalog'::regnamespace)
              AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()))
    FROM clients c WHERE coalesce(c.application_name, '') NOT LIKE %(ours)s
    ORDER BY c.xact_start NULLS LAST, c.pid
"""
_ANYBODY = """
    SELECT pid FROM pg_stat_activity WHERE datname = ANY(%s) AND pid <> pg_backend_pid()
      AND backend_type = 'client backend'
"""
_NAMED = """
    SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()
      AND (application_name = %(name)s OR starts_with(application_name, %(name)s || ' '))
"""


def clients(link: Link, database: str) -> tuple[Session, ...]:
    """Client sessions, rollbot's left out, the oldest transaction first.

    `relations` are told when the session asked with is on that very database.
    """
    rows = link.execute(_CLIENTS, {"database": database, "ours": OURS}).fetchall()
    return tuple(
        Session(
            pid=pid,
            user=user,
            application=application,
            client=client,
            state=state,
            transaction_s=transaction_s,
            holds_up=tuple(holds_up),
            relations=tuple(sorted(relations)),
        )
        for pid, user, application, client, state, transaction_s, holds_up, relations in rows
    )


def drain(link: Link, database: str, patience_s: float) -> tuple[Session, ...]:
    """Wait, then end who stays; returns whom. `link` is on another database.

    Patience is for those who work: a pool's idle sessions only get time to leave in order.
    Raises DatabaseError when somebody comes back faster than they are ended, or is not ours to
    end (a superuser's session).
    """
    began = time.monotonic()
    while left := clients(link, database):
        works = any(session.state != "idle" for session in left)
        if time.monotonic() - began > (patience_s if works else min(patience_s, _LEAVE_S)):
            break
        time.sleep(_LOOK_EVERY_S)
    ended = {session.pid: session for session in left}
    insist_until = time.monotonic() + _INSIST_S
    while left or _anybody(link, database):
        if not end(link, (database,)) or time.monotonic() > insist_until:
            who = ", ".join(sorted({f"{s.application or s.user} ({s.client})" for s in left}))
            raise DatabaseError(database, "55006", f"sessions come back or cannot be ended: {who}")
        time.sleep(_LOOK_EVERY_S)
        left = clients(link, database)
        ended |= {session.pid: session for session in left}
    return tuple(ended.values())


def end(link: Link, databases: tuple[str, ...]) -> bool:
    """Ask the server to end every client session on those databases, rollbot's too.

    False: some are not ours to end.
    """
    return _end(link, link.execute(_ANYBODY, [list(databases)]).fetchall())


def end_named(link: Link, application: str) -> None:
    """Ask the server to end every session that calls itself so, but this one.

    Those with a word behind it too: `rollbot RB-17 pg_dump`.
    """
    _end(link, link.execute(_NAMED, {"name": application}).fetchall())


def _end(link: Link, rows: Sequence[tuple[Any, ...]]) -> bool:
    ended = 0
    for (pid,) in rows:
        with suppress(errors.InsufficientPrivilege):
            link.execute("SELECT pg_terminate_backend(%s)", [pid])
            ended += 1
    return ended == len(rows)


def _anybody(link: Link, database: str) -> bool:
    return bool(link.execute(_ANYBODY, [[database]]).fetchall())
