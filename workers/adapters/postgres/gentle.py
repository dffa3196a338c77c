"""What runs beside production on its own server leaves it the CPU and the disk."""

from __future__ import annotations

from contextlib import suppress

from psycopg import errors, sql

from workers.adapters.postgres.address import Link
from workers.adapters.postgres.counting import one

_ALONE = ("max_parallel_workers_per_gather", "max_parallel_maintenance_workers")
"""One CPU for a session: nothing is scanned or indexed by several processes (max_worker_processes
are production's)."""

OPTIONS = " ".join(f"-c {name}=0" for name in _ALONE)
"""The same for a program, by libpq's PGOPTIONS."""

_SPARE_KB = 64 * 1024


def session(link: Link) -> None:
    """Hold this session back."""
    for name in _ALONE:
        link.execute("SELECT set_config(%s, '0', false)", [name])


def every_session(link: Link, scratch: str, like: str) -> None:
    """Hold back every session on a scratch database, whatever driver a migration has.

    A rehearsal sorts on disk no more than production's database is large, where our role may say
    so: temp_file_limit is a superuser's, or of whom it was granted to.
    """
    altered = sql.SQL("ALTER DATABASE {} SET {} TO {}")
    database = sql.Identifier(scratch)
    for name in _ALONE:
        link.execute(altered.format(database, sql.Identifier(name), 0))
    size = one(
        link, "SELECT pg_database_size(datname) / 1024 FROM pg_database WHERE datname = %s", [like]
    )
    if size is not None:
        limit = sql.Literal(f"{int(str(size)) + _SPARE_KB}kB")
        with suppress(errors.InsufficientPrivilege):
            link.execute(altered.format(database, sql.Identifier("temp_file_limit"), limit))
