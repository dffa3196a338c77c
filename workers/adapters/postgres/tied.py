"""What ties a database down: it cannot be copied, renamed or dropped with that, or loses it."""

from __future__ import annotations

from commands.domain.database import Tie
from workers.adapters.postgres.address import Link

# CREATE DATABASE … TEMPLATE, RENAME and DROP count whoever is on a database
# (CountOtherDBBackends in procarray.c), prepared transactions with them; only autovacuum is ended,
# parallel workers go with their leader. A slot and a subscription are bound to the database's oid.
_TIES = """
    SELECT 'prepared' AS what, gid AS name,
           extract(epoch FROM clock_timestamp() - prepared)::float8 AS age_s
    FROM pg_prepared_xacts WHERE database = %(database)s
    UNION ALL SELECT 'subscription', s.subname, NULL
    FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid WHERE d.datname = %(database)s
    UNION ALL SELECT 'slot', slot_name, NULL
    FROM pg_replication_slots WHERE database = %(database)s
    UNION ALL SELECT 'sender', coalesce(nullif(r.application_name, ''), r.usename, '') || ' (pid '
           || r.pid || ')', NULL
    FROM pg_stat_replication r JOIN pg_stat_activity a USING (pid) WHERE a.datname = %(database)s
    UNION ALL SELECT 'worker', backend_type || ' (pid ' || pid || ')', NULL
    FROM pg_stat_activity WHERE datname = %(database)s AND backend_type NOT IN
         ('client backend', 'walsender', 'parallel worker', 'autovacuum worker')
    ORDER BY 1, 2
"""


def ties(link: Link, database: str) -> tuple[Tie, ...]:
    """All of them. Of other roles' workers only a member of pg_read_all_stats is told."""
    rows = link.execute(_TIES, {"database": database}).fetchall()
    return tuple(Tie(what=what, name=name, age_s=age_s) for what, name, age_s in rows)
