"""What is in a database: revisions, rows, shape, and what a change would destroy."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from typing import LiteralString

from psycopg import errors, sql

from commands.database_ports import Counts, Shape
from commands.domain.database import Loss, RevisionId
from workers.adapters.postgres.address import Link, limit_statements

_OF_USERS = """
    n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_%'
"""
# A table of an extension is filled by CREATE EXTENSION, and not dumped.
_TABLES = f"""
    SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND c.relname <> 'alembic_version' AND {_OF_USERS}
      AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass
                      AND d.objid = c.oid AND d.deptype = 'e')
    ORDER BY 1, 2
"""  # noqa: S608 -- both parts are constants
_SHAPE = f"""
    WITH mine AS (
        SELECT c.oid, c.relkind, c.relname,
               CASE n.nspname WHEN 'public' THEN '' ELSE n.nspname || '.' END AS room
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {_OF_USERS}
    )
    SELECT 'table', room || relname FROM mine WHERE relkind IN ('r', 'p', 'f')
    UNION ALL SELECT 'view', room || relname FROM mine WHERE relkind IN ('v', 'm')
    UNION ALL SELECT 'column', room || relname || '.' || a.attname
        FROM mine JOIN pg_attribute a ON a.attrelid = mine.oid
        WHERE relkind IN ('r', 'p', 'f') AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL SELECT 'index', t.room || t.relname || '.' || i.relname
        FROM mine i JOIN pg_index x ON x.indexrelid = i.oid JOIN mine t ON t.oid = x.indrelid
        WHERE NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = i.oid
                          AND k.contype IN ('p', 'u', 'x'))
    UNION ALL SELECT 'invalid index', t.room || t.relname || '.' || i.relname
        FROM mine i JOIN pg_index x ON x.indexrelid = i.oid JOIN mine t ON t.oid = x.indrelid
        WHERE NOT (x.indisvalid AND x.indisready AND x.indislive)
    UNION ALL SELECT 'constraint', t.room || t.relname || '.' || k.conname
        FROM pg_constraint k JOIN mine t ON t.oid = k.conrelid WHERE k.contype <> 'n'
    UNION ALL SELECT 'sequence', s.room || coalesce(t.relname || '.', '') || s.relname
        FROM mine s LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass
            AND d.objid = s.oid AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0
        LEFT JOIN pg_class t ON t.oid = d.refobjid WHERE s.relkind = 'S'
    UNION ALL SELECT 'type', CASE n.nspname WHEN 'public' THEN '' ELSE n.nspname || '.' END
               || y.typname
        FROM pg_type y JOIN pg_namespace n ON n.oid = y.typnamespace
        WHERE {_OF_USERS} AND y.typtype IN ('e', 'd', 'r')
    UNION ALL SELECT 'columns of', room || relname || '.' || left(md5(string_agg(
            a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || a.attnotnull, ','
            ORDER BY a.attname)), 8)
        FROM mine JOIN pg_attribute a ON a.attrelid = mine.oid
        WHERE relkind IN ('r', 'p', 'f') AND a.attnum > 0 AND NOT a.attisdropped
        GROUP BY room, relname
    UNION ALL SELECT 'values of', CASE n.nspname WHEN 'public' THEN '' ELSE n.nspname || '.' END
               || y.typname || '.'
               || left(md5(string_agg(e.enumlabel, ',' ORDER BY e.enumsortorder)), 8)
        FROM pg_enum e JOIN pg_type y ON y.oid = e.enumtypid
        JOIN pg_namespace n ON n.oid = y.typnamespace WHERE {_OF_USERS}
        GROUP BY n.nspname, y.typname
"""  # noqa: S608 -- constants again
_VERSION_TABLE = """
    SELECT n.nspname, c.relname FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
    WHERE c.oid OPERATOR(pg_catalog.=) pg_catalog.to_regclass('alembic_version')::pg_catalog.oid
"""
_HOLDS_ITS_ROWS = """
    SELECT 1 FROM pg_class c WHERE c.oid = %s AND c.relkind = 'r'
      AND NOT EXISTS (SELECT 1 FROM pg_inherits i WHERE i.inhparent = c.oid)
"""
_STARTED = "SELECT (extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint"
# A database that may not be looked into is not counted: with pg_read_all_stats all may.
_TAKEN = """
    SELECT coalesce(sum(pg_database_size(oid)), 0) + pg_size_bytes(current_setting('max_wal_size'))
    FROM pg_database WHERE has_database_privilege(oid, 'CONNECT')
                        OR pg_has_role('pg_read_all_stats', 'USAGE')
"""
_COUNT = sql.SQL("SELECT count(*) FROM {}")
# Without the rows of those that inherit from it: they are counted under their own name.
_COUNT_OWN = sql.SQL("SELECT count(*) FROM ONLY {}")
_ESTIMATED_TABLE = "SELECT reltuples::bigint FROM pg_class WHERE oid = %s"
_ESTIMATED_COLUMN = """
    SELECT (c.reltuples * (1 - s.null_frac))::bigint
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_stats s ON s.schemaname = n.nspname AND s.tablename = c.relname
    WHERE c.oid = %s AND s.attname = %s
"""


def revisions(link: Link) -> tuple[RevisionId, ...]:
    """The rows of alembic_version, sorted; empty when there is no such table."""
    # Where the role itself would find it: our own sessions look nowhere (`Address.connected`).
    link.execute("RESET search_path")
    found = link.execute(_VERSION_TABLE).fetchone()
    link.execute("SELECT pg_catalog.set_config('search_path', '', false)")
    if found is None:
        return ()
    asked = sql.SQL("SELECT version_num FROM {}").format(sql.Identifier(*found))
    return tuple(sorted(str(row[0]) for row in link.execute(asked).fetchall()))


def counts(link: Link, timeout_s: float, only: Sequence[str] = ()) -> Counts:
    """Exact rows of every ordinary table, or of those named, in the session's one snapshot.

    `timeout_s` for all of them together.
    """
    until = time.monotonic() + timeout_s
    found: dict[str, int] = {}
    for schema, table in link.execute(_TABLES).fetchall():
        name = table if schema == "public" else f"{schema}.{table}"
        if only and name not in only:
            continue
        limit_statements(link, until - time.monotonic())
        found[name] = int(str(one(link, _COUNT_OWN.format(_table(name)))))
    return found


def shape(link: Link) -> Shape:
    """Every user object by kind and name.

    What belongs to a table is named with it (`projects.ix_projects_priority`), a sequence too
    when a column owns it; an index that only carries out a constraint is not named apart. One
    that a CONCURRENTLY left half made or half dropped is named once more as `invalid index`.
    A table's columns with their types, and an enum's values, are eight digits behind its name.
    """
    names: dict[str, set[str]] = defaultdict(set)
    for kind, name in link.execute(_SHAPE).fetchall():
        names[kind].add(name)
    return Shape({kind: frozenset(found) for kind, found in names.items()})


def at_risk(link: Link, losses: Sequence[Loss], timeout_s: float) -> tuple[Loss, ...]:
    """The same losses, rows and sizes filled in as far as the time allows."""
    until = time.monotonic() + timeout_s
    return tuple(_filled(link, loss, until - time.monotonic()) for loss in losses)


def place(link: Link) -> str:
    """When the server was started, in microseconds, and the database that the session is on."""
    return f"{one(link, _STARTED)} {one(link, 'SELECT current_database()')}"


def taken_bytes(link: Link) -> int:
    """What databases take of the server's disk, and WAL may take in ordinary times."""
    return int(str(one(link, _TAKEN)))


def holds_its_rows(link: Link, name: str) -> bool:
    """Whether all that a SELECT shows is its own: no partitions, none that inherit from it.

    One that is not there has none elsewhere either.
    """
    oid = _oid(link, name)
    return oid is None or one(link, _HOLDS_ITS_ROWS, [oid]) is not None


def split(name: str) -> tuple[str, str]:
    """Schema and table of a name as `Counts` has it."""
    schema, _, table = name.rpartition(".")
    return schema or "public", table


def one(
    link: Link, query: LiteralString | sql.Composed, parameters: Sequence[object] = ()
) -> object:
    """The first column of the only row; None when there is none."""
    row = link.execute(query, parameters or None).fetchone()
    return None if row is None else row[0]


def _table(name: str) -> sql.Identifier:
    return sql.Identifier(*split(name))


def _filled(link: Link, loss: Loss, left_s: float) -> Loss:
    match loss.what:
        case "table":
            return _table_filled(link, loss, left_s)
        case "column":
            return _column_filled(link, loss, left_s)
        case "index":
            oid = _oid(link, loss.name) or _oid(link, loss.name.rpartition(".")[2])
            size = one(link, "SELECT pg_relation_size(%s)", [oid])
            return loss.model_copy(update={"size_bytes": size})
        case _:
            return loss


def _table_filled(link: Link, loss: Loss, left_s: float) -> Loss:
    oid = _oid(link, loss.name)
    if oid is None:
        return loss
    size = one(link, "SELECT pg_total_relation_size(%s)", [oid])
    with suppress(errors.QueryCanceled, _Late):
        rows = _in_time(link, _COUNT.format(_table(loss.name)), left_s)[0]
        return loss.model_copy(update={"rows": rows, "size_bytes": size})
    guess = _known(one(link, _ESTIMATED_TABLE, [oid]))
    return loss.model_copy(update={"rows": guess, "size_bytes": size, "estimated": True})


def _column_filled(link: Link, loss: Loss, left_s: float) -> Loss:
    table, _, column = loss.name.rpartition(".")
    oid = _oid(link, table)
    if oid is None:
        return loss
    asked = sql.SQL("SELECT count({c}), coalesce(sum(pg_column_size({c})), 0) FROM {t}").format(
        c=sql.Identifier(column), t=_table(table)
    )
    with suppress(errors.QueryCanceled, _Late):
        rows, size = _in_time(link, asked, left_s)
        return loss.model_copy(update={"rows": rows, "size_bytes": size})
    guess = _known(one(link, _ESTIMATED_COLUMN, [oid, column]))
    return loss.model_copy(update={"rows": guess, "estimated": True})


class _Late(Exception):  # noqa: N818 -- not an error: the statistics answer instead
    """Nothing is left of the time."""


def _in_time(link: Link, query: sql.Composed, left_s: float) -> tuple[int, ...]:
    if left_s <= 0:
        raise _Late
    limit_statements(link, left_s)
    try:
        row = link.execute(query).fetchone()
    finally:
        limit_statements(link, 60.0)
    assert row is not None  # noqa: S101 -- an aggregate always has a row
    return tuple(int(value) for value in row)


def _known(estimate: object) -> int | None:
    """-1: the table was never analysed."""
    return int(str(estimate)) if estimate is not None and int(str(estimate)) >= 0 else None


def _oid(link: Link, name: str) -> int | None:
    found = one(link, "SELECT to_regclass(%s)::oid", [_table(name).as_string(link)])
    return None if found is None else int(str(found))
