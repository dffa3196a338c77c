"""Whole databases: made, copied, renamed, dropped.

PostgreSQL holds newcomers back while it copies or renames a database, and gives the sessions
that are there five seconds to go (CREATE DATABASE, ALTER DATABASE in its documentation); `_alone`
ends them meanwhile. Nothing is closed for it that a crash could leave closed.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress

from psycopg import sql

from commands.domain.errors import DatabaseError, RollbotError
from workers.adapters.postgres import sessions
from workers.adapters.postgres.address import Link
from workers.adapters.postgres.counting import one

WHOLE = "rollbot: whole"
"""The comment on a clone or restore that was finished."""

Connect = Callable[[], AbstractContextManager[Link]]

_USHER_EVERY_S = 0.05
_LIKE = """
    SELECT pg_get_userbyid(datdba), pg_encoding_to_char(encoding), datcollate, datctype,
           datlocprovider::text,
           coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale'),
           to_jsonb(d) ->> 'daticurules',
           (SELECT spcname FROM pg_tablespace t JOIN pg_database d0 ON d0.datname = 'template0'
            WHERE t.oid = d.dattablespace AND t.oid <> d0.dattablespace)
    FROM pg_database d WHERE d.datname = %s
"""
_SETTINGS = """
    SELECT coalesce(r.rolname, ''), unnest(s.setconfig) FROM pg_db_role_setting s
    JOIN pg_database d ON d.oid = s.setdatabase LEFT JOIN pg_roles r ON r.oid = s.setrole
    WHERE d.datname = %s
"""
_GRANTS = """
    SELECT coalesce(r.rolname, ''), a.privilege_type, a.is_grantable
    FROM pg_database d, aclexplode(d.datacl) a LEFT JOIN pg_roles r ON r.oid = a.grantee
    WHERE d.datname = %s AND a.grantee <> d.datdba
"""
_LOOKS = """
    SELECT coalesce(shobj_description(oid, 'pg_database'), ''), datconnlimit
    FROM pg_database WHERE datname = %s
"""
# Empty is the data directory, which not everybody is told.
_DISKS = """
    SELECT DISTINCT coalesce(
        nullif(pg_tablespace_location(dattablespace), ''),
        CASE WHEN pg_has_role('pg_read_all_settings', 'MEMBER')
             THEN current_setting('data_directory') END)
    FROM pg_database WHERE datallowconn AND NOT datistemplate
"""
# GUC_LIST_QUOTE: stored as one list, to be spoken word by word (pg_dump's makeAlterConfigCommand).
_QUOTED_LISTS = (
    *("local_preload_libraries", "search_path", "session_preload_libraries"),
    *("shared_preload_libraries", "temp_tablespaces", "unix_socket_directories"),
)
# What stands between quotes, or else up to the next comma (varlena.c, SplitGUCList).
_LISTED = re.compile(r'\s*(?:"((?:[^"]|"")*)"|([^,]*?))\s*(?:,|$)')
_IDENTIFIER = sql.Identifier


def exists(link: Link, database: str) -> bool:
    """Whether the server has it."""
    return one(link, "SELECT 1 FROM pg_database WHERE datname = %s", [database]) is not None


def disks(link: Link) -> tuple[str, ...]:
    """The folders that databases are in, on the server; none when one of them is not told."""
    found = [row[0] for row in link.execute(_DISKS).fetchall()]
    return tuple(found) if all(found) else ()


def is_whole(link: Link, database: str) -> bool:
    """Whether it carries the mark."""
    asked = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s"
    return one(link, asked, [database]) == WHOLE


def mark_whole(link: Link, database: str) -> None:
    """Safe to repeat."""
    link.execute(sql.SQL("COMMENT ON DATABASE {} IS {}").format(_IDENTIFIER(database), WHOLE))


def create(link: Link, database: str, like: str) -> None:
    """An empty database; owner, locale, tablespace, settings, grants of `like`, if it is here."""
    made = sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(_IDENTIFIER(database))
    row = link.execute(_LIKE, [like]).fetchone()
    if row is None:
        link.execute(made + sql.SQL(" ENCODING 'UTF8'"))
        return
    owner, encoding, collate, ctype, provider, locale, rules, tablespace = row
    words = [
        sql.SQL(" OWNER {} ENCODING {}").format(_IDENTIFIER(owner), encoding),
        sql.SQL(" LC_COLLATE {} LC_CTYPE {}").format(collate, ctype),
    ]
    if tablespace:
        # The usual one is not named: that would need a right to it.
        words.append(sql.SQL(" TABLESPACE {}").format(_IDENTIFIER(tablespace)))
    if provider == "i":
        words.append(sql.SQL(" LOCALE_PROVIDER icu ICU_LOCALE {}").format(locale))
        if rules:
            words.append(sql.SQL(" ICU_RULES {}").format(rules))
    elif provider == "b":
        words.append(sql.SQL(" LOCALE_PROVIDER builtin BUILTIN_LOCALE {}").format(locale))
    link.execute(made + sql.Composed(words))
    _take_after(link, database, like)


def clone(connect: Connect, source: str, copy: str) -> None:
    """Copy all of it, file by file; settings and grants too, which the server leaves out."""
    statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY OWNER {}")
    with connect() as link:
        row = link.execute(_LIKE, [source]).fetchone()
        owner = source if row is None else row[0]
        words = statement.format(_IDENTIFIER(copy), _IDENTIFIER(source), _IDENTIFIER(owner))
        with _alone(connect, (source,)):
            link.execute(words)
        _take_after(link, copy, source)
        mark_whole(link, copy)


def swap(connect: Connect, name: str, incoming: str, outgoing: str) -> None:
    """Two renames in one transaction; comment and connection limit stay with the name.

    Our mark goes to the one that leaves the name: it is as whole. Done already is not an error.
    Raises DatabaseError when what is there is neither the state before nor the one after.
    """
    with connect() as link:
        there = tuple(exists(link, one) for one in (name, incoming, outgoing))
        if there == (True, False, True):
            return
        if there != (True, True, False):
            missing = [n for n, here in zip((name, incoming), there, strict=False) if not here]
            code, why = ("3D000", "is missing") if missing else ("42P04", "is there already")
            raise DatabaseError(next(iter(missing), outgoing), code, why)

        rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
        with _alone(connect, (name, incoming)), link.transaction():
            looks, marked = link.execute(_LOOKS, [name]).fetchone(), is_whole(link, incoming)
            link.execute(rename.format(_IDENTIFIER(name), _IDENTIFIER(outgoing)))
            link.execute(rename.format(_IDENTIFIER(incoming), _IDENTIFIER(name)))
            if looks is not None:
                _look_like(link, name, *looks)
            if marked:
                mark_whole(link, outgoing)


def drop(link: Link, database: str) -> None:
    """With the sessions on it. Not there is not an error."""
    words = "DROP DATABASE IF EXISTS {} WITH (FORCE)"
    link.execute(sql.SQL(words).format(_IDENTIFIER(database)))


@contextmanager
def _alone(connect: Connect, databases: tuple[str, ...]) -> Iterator[None]:
    """End the sessions on those databases, again and again, from a session of its own."""
    over = threading.Event()

    def usher() -> None:
        # What goes wrong here shows in the act: it finds the sessions still there.
        with suppress(RollbotError), connect() as link:
            while not over.is_set():
                sessions.end(link, databases)
                over.wait(_USHER_EVERY_S)

    thread = threading.Thread(target=usher, name="usher", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _look_like(link: Link, database: str, comment: str, connections: int) -> None:
    said = None if comment in ("", WHOLE) else comment
    commented = sql.SQL("COMMENT ON DATABASE {} IS {}")
    link.execute(commented.format(_IDENTIFIER(database), sql.Literal(said)))
    limited = sql.SQL("ALTER DATABASE {} CONNECTION LIMIT {}")
    link.execute(limited.format(_IDENTIFIER(database), sql.Literal(connections)))


def _take_after(link: Link, copy: str, like: str) -> None:
    """ALTER DATABASE … SET and GRANT … ON DATABASE stand beside a database, not in it."""
    for role, setting in link.execute(_SETTINGS, [like]).fetchall():
        name, _, value = setting.partition("=")
        whose = sql.SQL("ALTER DATABASE {}").format(_IDENTIFIER(copy))
        if role:
            in_database = sql.SQL("ALTER ROLE {} IN DATABASE {}")
            whose = in_database.format(_IDENTIFIER(role), _IDENTIFIER(copy))
        said = _listed(value) if name in _QUOTED_LISTS else (value,)
        words = sql.SQL(", ").join(sql.Literal(one) for one in said)
        link.execute(whose + sql.SQL(" SET {} TO ").format(_IDENTIFIER(name)) + words)
    if one(link, "SELECT datacl IS NULL FROM pg_database WHERE datname = %s", [like]):
        return
    database = _IDENTIFIER(copy)
    link.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database))
    for role, privilege, is_grantable in link.execute(_GRANTS, [like]).fetchall():
        grant = sql.SQL("GRANT {} ON DATABASE {} TO {}{}").format(
            sql.SQL(privilege),
            database,
            _IDENTIFIER(role) if role else sql.SQL("PUBLIC"),
            sql.SQL(" WITH GRANT OPTION" if is_grantable else ""),
        )
        link.execute(grant)


def _listed(value: str) -> tuple[str, ...]:
    """The words of a stored list, without their quotes.

    Any role may store what it likes there (`SET … FROM CURRENT`): it is never spoken as SQL.
    """
    found = _LISTED.finditer(value)
    words = (m[2] if m[1] is None else m[1].replace('""', '"') for m in found if m[0])
    return tuple(words) or ("",)
