"""psycopg's errors in our words, in one place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
from psycopg import errors

from commands.domain.errors import (
    CommandTimedOutError,
    DatabaseError,
    DatabaseUnavailableError,
    DiskFullError,
)
from workers.adapters.rows import without_rows, without_values

# Class 57P: the server shuts down or ended our session; 53300: no room for another session.
_AWAY = ("57P01", "57P02", "57P03", "57P05", "53300")


def first_line(error: BaseException) -> str:
    """What an error says, without the statement, the row and the value that PostgreSQL quotes."""
    said = str(error)
    if isinstance(error, errors.DataError):
        # Class 22: whatever is quoted, in whatever language, may be a value.
        said = without_values(error.diag.message_primary or said)
    return next((line.strip() for line in without_rows(said).splitlines() if line.strip()), "")


@contextmanager
def translated(
    database: str, redacted: Callable[[str], str], timeout_s: float | None = None
) -> Iterator[None]:
    """Raises DatabaseError, DatabaseUnavailableError, CommandTimedOutError, DiskFullError."""
    try:
        yield
    except errors.QueryCanceled as error:
        raise CommandTimedOutError("postgres", timeout_s or 0.0, first_line(error)) from error
    except errors.DiskFull as error:
        raise DiskFullError(database=database, why=redacted(first_line(error))) from error
    except psycopg.Error as error:
        why, code = redacted(first_line(error)), error.sqlstate or ""
        if code in _AWAY or (not code and isinstance(error, psycopg.OperationalError)):
            raise DatabaseUnavailableError(database=database, why=why) from error
        raise DatabaseError(database, code, why) from error
