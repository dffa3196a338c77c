"""Asks, inside an image, where the service's own address of the database leads: `python -c`.

Only what an image with Alembic has: Python 3.8 or newer, SQLAlchemy and a driver. It reads one row
and prints it behind a mark, because imports of the image's own may print as well.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import os
import sys
from typing import Any

MARK = "rollbot-database:"
ASK = """
    SELECT (extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint, current_database()
"""
# An address without a driver is completed by the image's own code; any of these will do for us.
DRIVERS = ("psycopg2", "psycopg", "pg8000", "asyncpg")


def spoken(sqlalchemy: Any, said: str) -> Any:  # noqa: ANN401 - of a library that is not ours
    """The address with a driver that is there."""
    scheme, _, rest = said.partition("://")
    url = sqlalchemy.engine.make_url(f"postgresql://{rest}")
    wanted = scheme.partition("+")[2]
    for driver in (wanted, *DRIVERS):
        if driver and importlib.util.find_spec(driver) is not None:
            return url.set(drivername=f"postgresql+{driver}")
    return url


async def asked_aside(sqlalchemy: Any, url: Any) -> Any:  # noqa: ANN401 - see `spoken`
    """By a driver that only asyncio can use."""
    engine = importlib.import_module("sqlalchemy.ext.asyncio").create_async_engine(url)
    async with engine.connect() as link:
        return (await link.execute(sqlalchemy.text(ASK))).fetchone()


def asked(sqlalchemy: Any, url: Any) -> Any:  # noqa: ANN401 - see `spoken`
    """By any other."""
    with sqlalchemy.create_engine(url).connect() as link:
        return link.execute(sqlalchemy.text(ASK)).fetchone()


def main(variable: str) -> None:
    """Print when that server was started, and the database's name there."""
    sqlalchemy = importlib.import_module("sqlalchemy")
    url = spoken(sqlalchemy, os.environ[variable])  # noqa: TID251 -- the image's own
    is_aside = getattr(url.get_dialect(), "is_async", False)
    row = asyncio.run(asked_aside(sqlalchemy, url)) if is_aside else asked(sqlalchemy, url)
    sys.stdout.write(f"\n{MARK}{row[0]} {row[1]}\n")


if __name__ == "__main__":
    main(sys.argv[1])
