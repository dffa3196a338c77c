"""Whether a database holds together: asked of its rows, not of its catalogue."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from psycopg import errors, sql

from commands.database_ports import Counts, Finding
from commands.domain.database_looks import NOT_VALID
from commands.domain.errors import DatabaseError
from workers.adapters.postgres.address import Link, limit_statements
from workers.adapters.postgres.counting import one, split

ORPHANS_COUNTED = 1000
"""More are not counted: one is bad enough, and a table full of them takes long."""

# Each pair is compared by the operator that the key itself goes by (`citext` has its own). `plain`:
# no function of somebody's is called for it, which an implicit cast or a domain's operator may be.
_FOREIGN_KEYS = """
    SELECT k.convalidated, k.conname, cn.nspname, c.relname, pn.nspname, p.relname, pairs.*
    FROM pg_constraint k
    JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace cn ON cn.oid = c.relnamespace
    JOIN pg_class p ON p.oid = k.confrelid JOIN pg_namespace pn ON pn.oid = p.relnamespace
    CROSS JOIN LATERAL (
        SELECT array_agg(pa.attname::text ORDER BY o.n) AS keys,
               array_agg(ca.attname::text ORDER BY o.n) AS columns,
               array_agg(rn.nspname::text ORDER BY o.n) AS rooms,
               array_agg(r.oprname::text ORDER BY o.n) AS operators,
               bool_and((SELECT bool_and(
                   given.oid = taken.oid OR (rn.nspname = 'pg_catalog' AND (
                       taken.typtype = 'p' OR given.typbasetype = taken.oid OR EXISTS (
                           SELECT 1 FROM pg_cast s LEFT JOIN pg_proc f ON f.oid = s.castfunc
                           WHERE s.castsource IN (given.oid, given.typbasetype)
                             AND s.casttarget = taken.oid AND (s.castmethod = 'b'
                               OR f.pronamespace = 'pg_catalog'::regnamespace)))))
                   FROM (VALUES (pa.atttypid, r.oprleft), (ca.atttypid, r.oprright)) side (a, b)
                   JOIN pg_type given ON given.oid = side.a JOIN pg_type taken ON taken.oid = side.b
               )) AS plain
        FROM unnest(k.conpfeqop, k.confkey, k.conkey) WITH ORDINALITY o (op, p, c, n)
        JOIN pg_operator r ON r.oid = o.op JOIN pg_namespace rn ON rn.oid = r.oprnamespace
        JOIN pg_attribute pa ON pa.attrelid = k.confrelid AND pa.attnum = o.p
        JOIN pg_attribute ca ON ca.attrelid = k.conrelid AND ca.attnum = o.c
    ) pairs
    WHERE k.contype = 'f' AND k.conparentid = 0
    ORDER BY 3, 4, 2
"""
# Owned by the column (serial, identity), or named in its default.
_SEQUENCES = """
    SELECT DISTINCT sn.nspname, s.relname, tn.nspname, t.relname, a.attname,
           coalesce(nullif(y.typbasetype, 0), y.oid) = ANY ('{int2,int4,int8,float4,float8,numeric}'
               ::regtype[]::oid[])
    FROM (
        SELECT objid AS sequence, refobjid AS relation, refobjsubid AS att FROM pg_depend
        WHERE classid = 'pg_class'::regclass AND deptype IN ('a', 'i') AND refobjsubid > 0
          AND refclassid = 'pg_class'::regclass
        UNION SELECT d.refobjid, f.adrelid, f.adnum
        FROM pg_attrdef f JOIN pg_depend d ON d.classid = 'pg_attrdef'::regclass
          AND d.objid = f.oid AND d.refclassid = 'pg_class'::regclass
    ) used
    JOIN pg_class s ON s.oid = used.sequence AND s.relkind = 'S'
    JOIN pg_namespace sn ON sn.oid = s.relnamespace
    JOIN pg_sequence q ON q.seqrelid = s.oid AND q.seqincrement > 0
    JOIN pg_class t ON t.oid = used.relation JOIN pg_namespace tn ON tn.oid = t.relnamespace
    JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = used.att
    JOIN pg_type y ON y.oid = a.atttypid
    ORDER BY 1, 2
"""
_INDEXES = """
    SELECT n.nspname, c.relname, x.indisvalid AND x.indisready
    FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') ORDER BY 1, 2
"""

# https://www.postgresql.org/docs/15/sql-createoperator.html: it holds nothing that ends a name.
_OPERATOR = re.compile(r"[-+*/<>=~!@#%^&|`?]+")

_CANNOT_TELL = (
    *(errors.QueryCanceled, errors.InsufficientPrivilege),
    *(errors.DatatypeMismatch, errors.UndefinedFunction, errors.NumericValueOutOfRange),
)


@dataclass(slots=True)
class Integrity:
    """One look at everything, in the time given; what is left over then is not known."""

    link: Link
    timeout_s: float
    _began: float = field(default_factory=time.monotonic)

    def findings(self, expected: Counts) -> tuple[Finding, ...]:
        """Counts of `expected` tables, every foreign key, every sequence, every index."""
        return (
            *self._counts(expected),
            *self._foreign_keys(),
            *self._sequences(),
            *self._indexes(),
        )

    def _counts(self, expected: Counts) -> Iterator[Finding]:
        asked = sql.SQL("SELECT count(*) FROM ONLY {}")
        for name, wanted in sorted(expected.items()):
            try:
                found = self._number(asked.format(sql.Identifier(*split(name))))
            except errors.UndefinedTable:
                yield Finding("count", name, ok=False, found=f"-/{wanted}")
                continue
            ok = None if found is None else found == wanted
            yield Finding("count", name, ok, "" if found is None else f"{found}/{wanted}")

    def _foreign_keys(self) -> Iterator[Finding]:
        for row in self.link.execute(_FOREIGN_KEYS).fetchall():
            is_valid, name, room, child, parent_room, parent, *pairs, is_plain = row
            subject = f"{child}.{name}"
            if not is_plain:
                yield Finding("foreign_key", subject, ok=None)
                continue
            keys, columns, rooms, operators = pairs
            # A row with a null in the key points nowhere (MATCH SIMPLE, the only kind in use).
            orphans = sql.SQL(
                "SELECT count(*) FROM (SELECT 1 FROM {child} c WHERE {given} AND NOT EXISTS"
                " (SELECT 1 FROM {parent} p WHERE {same}) LIMIT {most}) orphans"
            ).format(
                child=sql.Identifier(room, child),
                parent=sql.Identifier(parent_room, parent),
                given=_all(sql.SQL("c.{} IS NOT NULL").format(sql.Identifier(c)) for c in columns),
                same=_all(map(_same, keys, rooms, operators, columns)),
                most=ORPHANS_COUNTED,
            )
            found = self._number(orphans)
            said = str(found) if found else ""
            if found and not is_valid:
                # It promised nothing of the rows that were there when it was made.
                yield Finding("foreign_key", subject, ok=None, found=f"{NOT_VALID} {said}")
                continue
            yield Finding("foreign_key", subject, None if found is None else found == 0, said)

    def _sequences(self) -> Iterator[Finding]:
        for row in self.link.execute(_SEQUENCES).fetchall():
            room, name, table_room, table, column, is_number = row
            if not is_number:
                # A key made of text and nextval; what is not the server's own is not cast by us.
                yield Finding("sequence", f"{table}.{column}", ok=None)
                continue
            ahead = sql.SQL(
                "SELECT last_value + is_called::int - coalesce((SELECT max({column}) FROM {table}),"
                " last_value - 1) FROM {sequence}"
            ).format(
                column=sql.Identifier(column),
                table=sql.Identifier(table_room, table),
                sequence=sql.Identifier(room, name),
            )
            found = self._number(ahead)
            ok = None if found is None else found > 0
            said = "" if found is None or found > 0 else str(found - 1)
            yield Finding("sequence", f"{table}.{column}", ok, said)

    def _indexes(self) -> Iterator[Finding]:
        for _, name, is_valid in self.link.execute(_INDEXES).fetchall():
            yield Finding("index", name, bool(is_valid))

    def _number(self, query: sql.Composed) -> int | None:
        """None: not in time, not ours to read, or no number (a key made of text and nextval)."""
        left_s = self._began + self.timeout_s - time.monotonic()
        if left_s <= 0:
            return None
        limit_statements(self.link, left_s)
        try:
            found = one(self.link, query)
        except _CANNOT_TELL:
            return None
        finally:
            limit_statements(self.link, self.timeout_s)
        return _whole(found)


def _whole(found: object) -> int | None:
    """Upwards: a column of fractions may have a sequence, too. None: no number that ends."""
    if isinstance(found, int):
        return found
    if isinstance(found, (float, Decimal)) and math.isfinite(found):
        return math.ceil(found)
    return None


def _same(key: str, room: str, operator: str, column: str) -> sql.Composed:
    if not _OPERATOR.fullmatch(operator):
        raise DatabaseError(room, "", f"an operator named {operator}")
    return sql.SQL("p.{key} OPERATOR({room}.{operator}) c.{column}").format(
        key=sql.Identifier(key),
        room=sql.Identifier(room),
        operator=sql.SQL(operator),
        column=sql.Identifier(column),
    )


def _all(parts: Iterable[sql.Composed]) -> sql.Composed:
    return sql.SQL(" AND ").join(parts)
