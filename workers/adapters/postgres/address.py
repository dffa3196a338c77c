"""Where a server is and how to get in: for psycopg, and as libpq's variables for its programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from commands.domain.errors import DatabaseError, DatabaseUnavailableError, SettingsError
from commands.domain.text import text
from workers.adapters.postgres.translated import first_line, translated

Link: TypeAlias = psycopg.Connection[tuple[Any, ...]]

MAINTENANCE = "postgres"
"""The database that initdb makes for whoever wants to speak of others (createdb(1))."""

_CONNECT_S = 10
# PostgreSQL 15; an older one is refused, and has to be looked at for that.
_GRANTS_PARAMETERS = 150_000
# Asked for first: a refusal would be an error in the server's log at every look.
_IN_ENGLISH = """
    SELECT pg_catalog.set_config('lc_messages', 'C', false)
    WHERE pg_catalog.has_parameter_privilege('lc_messages', 'SET')
"""
# https://www.postgresql.org/docs/15/libpq-envars.html; what has no variable stays with psycopg.
_VARIABLES = {
    "host": "PGHOST",
    "hostaddr": "PGHOSTADDR",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "passfile": "PGPASSFILE",
    "options": "PGOPTIONS",
    "sslmode": "PGSSLMODE",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcrl": "PGSSLCRL",
    "channel_binding": "PGCHANNELBINDING",
    "connect_timeout": "PGCONNECT_TIMEOUT",
    "target_session_attrs": "PGTARGETSESSIONATTRS",
}


@dataclass(frozen=True, slots=True)
class Address:
    """A server's address and the role to come as. Its password shows nowhere.

    `parameters` are libpq's own words (`host`, `port`, `user`, `password`, `sslmode` …).
    """

    parameters: Mapping[str, str] = field(repr=False)

    @classmethod
    def of_url(cls, url: str, variable: str) -> Address:
        """From `postgresql://user:password@host/…`; a driver's name in it (`+asyncpg`) is left off.

        Raises SettingsError that names the `variable` and never its value.
        """
        scheme, _, rest = url.partition("://")
        dialect = scheme.partition("+")[0]
        if dialect not in ("postgresql", "postgres") or not rest:
            raise SettingsError(variable, text("wrong.database_address"))
        try:
            found = conninfo_to_dict(f"postgresql://{rest}")
        except psycopg.ProgrammingError:
            # libpq's message quotes the address with the password in it.
            raise SettingsError(variable, text("wrong.database_address")) from None
        return cls({name: str(value) for name, value in found.items() if name != "dbname"})

    @property
    def password(self) -> str:
        """Empty when there is none."""
        return self.parameters.get("password", "")

    def redacted(self, said: str) -> str:
        """What somebody said, without the password."""
        return said.replace(self.password, "<password>") if self.password else said

    def inside(self) -> Address:
        """The same role for a program that runs in the server's own container, by its socket."""
        known = ("user", "password")
        return replace(self, parameters={n: v for n, v in self.parameters.items() if n in known})

    def variables(self, application: str) -> dict[str, str]:
        """What pg_dump and its like read from their environment. They speak English, too."""
        given = {_VARIABLES[n]: v for n, v in self.parameters.items() if n in _VARIABLES}
        ours = {"PGAPPNAME": application, "LC_ALL": "C"}
        return {"PGCONNECT_TIMEOUT": str(_CONNECT_S), **given, **ours}

    @contextmanager
    def connected(
        self, database: str, application: str, timeout_s: float | None = 60.0
    ) -> Iterator[Link]:
        """A session that commits each statement by itself; what it raises is ours.

        Only the server's own functions and operators are found by a name without its schema.

        `timeout_s` is for each statement; None: no limit. Raises DatabaseUnavailableError,
        DatabaseError, CommandTimedOutError, DiskFullError.
        """
        link = self._connect(database, application)
        with translated(database, self.redacted, timeout_s), link:
            # First: who may create in `public` makes functions and operators that fit better than
            # the server's own, and they would run as our role (CVE-2018-1058).
            link.execute("SELECT pg_catalog.set_config('search_path', '', false)")
            limit_statements(link, timeout_s)
            # A policy that hides rows must be an error, never a smaller count.
            link.execute("SET row_security = off")
            link.execute("SET idle_in_transaction_session_timeout = 0")
            # Errors are read by rules for English (`rows`); it is a superuser's to set, or granted.
            if link.info.server_version >= _GRANTS_PARAMETERS:
                link.execute(_IN_ENGLISH)
            yield link

    def _connect(self, database: str, application: str) -> Link:
        given = {"connect_timeout": str(_CONNECT_S), **self.parameters}
        where = make_conninfo(**given, dbname=database, application_name=application)
        try:
            return psycopg.connect(where, autocommit=True)
        except psycopg.OperationalError as error:
            why = self.redacted(first_line(error))
        # libpq tells no SQLSTATE of a refused connection, and its words are the server's language.
        if database != MAINTENANCE:
            with self._connect(MAINTENANCE, application) as apart:
                asked = "SELECT 1 FROM pg_database WHERE datname = %s"
                if apart.execute(asked, [database]).fetchone() is None:
                    raise DatabaseError(database, "3D000", why)
        raise DatabaseUnavailableError(database=database, why=why)


def limit_statements(link: Link, timeout_s: float | None) -> None:
    """Have the server end any statement of this session that takes longer."""
    milliseconds = 0 if timeout_s is None else max(1, int(timeout_s * 1000))
    link.execute("SELECT set_config('statement_timeout', %s, false)", [str(milliseconds)])
