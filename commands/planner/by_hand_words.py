"""Functions of the shell (bash) that the lines about a database call. Pure."""

from __future__ import annotations

import shlex

from commands.domain.runbook import Compose
from commands.planner import argv

# $$ quotes too, and needs no care inside the shell's own quotes.
ROWS = (
    "SELECT format($$%I.%I$$, table_schema, table_name),"
    " (xpath($$/row/n/text()$$, query_to_xml(format($$SELECT count(*) AS n FROM %I.%I$$,"
    " table_schema, table_name), false, true, $$$$)))[1] FROM information_schema.tables"
    " WHERE table_type = $$BASE TABLE$$ AND table_schema NOT IN ($$pg_catalog$$,"
    " $$information_schema$$) ORDER BY 1"
)
"""Every table and its rows, counted."""

SESSIONS = (
    "FROM pg_stat_activity WHERE datname = $${database}$$ AND backend_type = $$client backend$$"
)
USHER = (
    "DO $usher$ BEGIN FOR i IN 1..50 LOOP PERFORM pg_stat_clear_snapshot();"
    " PERFORM pg_terminate_backend(pid) {sessions}; PERFORM pg_sleep(0.1);"
    " END LOOP; END $usher$"
)
"""Ends whoever comes back, for five seconds: the time that a copy and a rename wait for them."""

COUNTS = f'counts() {{ in_db psql -XAtd "$1" -c {shlex.quote(ROWS)}; }}'


def in_server(service: str, named: str) -> str:
    """Client programs in the server's own container are always the right version."""
    user = shlex.quote(named) if named else '"${POSTGRES_USER:-postgres}"'
    inner = f'export PGUSER={user} PGPASSWORD="$POSTGRES_PASSWORD"; exec "$@"'
    return f'in_db() {{ dc exec -T {service} sh -c {shlex.quote(inner)} sh "$@"; }}'


def in_project(compose: Compose) -> str:
    """The project as it is pinned now: an override file that is not there must not be named."""
    words = argv.project(compose)
    optional = compose.pin == "override" and compose.override_file not in compose.files
    if not optional:
        return f'dc() {{ {shlex.join(words)} "$@"; }}'
    at = words.index(compose.override_file, len(argv.program(compose)) + 2) - 1
    file = shlex.quote(compose.override_file)
    named = f"$(test ! -e {file} || echo -f {file})"
    return f'dc() {{ {shlex.join(words[:at])} {named} {shlex.join(words[at + 2 :])} "$@"; }}'


def asked(question: str) -> str:
    """A question to the server."""
    return shlex.join(("in_db", "psql", "-XAtd", "postgres", "-c", question))


def alone(database: str) -> str:
    """`alone in_db …` runs it with nobody else in the database."""
    usher = asked(USHER.format(sessions=SESSIONS.format(database=database)))
    return f'alone() ( {usher} & "$@" && r=0 || r=$?; wait; exit $r )'


def sessions(database: str) -> str:
    """Who is in the database."""
    question = f"SELECT pid, application_name, state {SESSIONS.format(database=database)}"
    return asked(question)
