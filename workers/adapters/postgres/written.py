"""Whether rows of a database were written, by the server's own counters."""

from __future__ import annotations

from workers.adapters.postgres.address import Link

# From 16384 on they are users' (FirstNormalObjectId); large objects are a table of the catalogue.
# The file has another number after TRUNCATE, which counts as no write.
_WRITES = """
    SELECT n.nspname, c.relname, concat(pg_stat_get_tuples_inserted(c.oid)
               + pg_stat_get_tuples_updated(c.oid) + pg_stat_get_tuples_deleted(c.oid),
           '.', c.relfilenode)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE (c.relkind = 'r' AND c.oid >= 16384 AND c.relpersistence <> 't')
       OR c.oid = 'pg_largeobject'::regclass
"""


def writes(link: Link) -> dict[str, str]:
    """A word for each table, by name, which is another one once somebody wrote to it.

    A session's writes are counted when it ends at the latest. A transaction that was rolled back
    counts too; reads do not. Needs `track_counts`, as autovacuum does.
    """
    found = link.execute(_WRITES).fetchall()
    return {table if schema == "public" else f"{schema}.{table}": m for schema, table, m in found}
