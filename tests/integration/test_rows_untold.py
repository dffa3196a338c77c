"""What a real server says of a row that it cannot take: nothing of it reaches an error of ours.

Words of programs, and of servers that speak other languages: `unit/adapters/test_rows`.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from commands.domain.errors import DatabaseError
from tests.engines.postgres_server import ROLE, SUPERUSER, PostgresServer
from tests.integration.postgres_port import LONG_S, NAMED, port

pytestmark = pytest.mark.engine("postgresql")

NAME = "untold"
MAIL = "anna@example.org"


@pytest.fixture
def server(postgres_server: PostgresServer) -> Iterator[PostgresServer]:
    postgres_server.create_database(NAME)
    with postgres_server.connect(NAME) as link:
        link.execute("CREATE TYPE mood AS ENUM ('sad'); CREATE TABLE t (x text UNIQUE)")
        link.execute("INSERT INTO t VALUES ('{\"mail\": anna@example.org}')")
    yield postgres_server
    postgres_server.drop_database(NAME)


def test_a_value_that_does_not_fit_is_in_no_error(server: PostgresServer) -> None:
    """An enum, JSON, an array, a time, a number, a key: their kind is told, and what was wanted."""
    told = {}
    kinds = ("public.mood", "jsonb", "text[]", "timestamptz", "uuid", "numeric", "int4range", "xml")
    for kind in kinds:
        with (
            pytest.raises(DatabaseError) as caught,
            port(server).where().connected(NAME, NAMED, LONG_S) as link,
        ):
            link.execute(f"ALTER TABLE public.t ALTER x TYPE {kind} USING x::{kind}".encode())
        told[kind] = str(caught.value)
    with (
        pytest.raises(DatabaseError) as caught,
        port(server).where().connected(NAME, NAMED, LONG_S) as link,
    ):
        link.execute("INSERT INTO public.t SELECT x FROM public.t")
    told["unique"] = str(caught.value)

    assert not [kind for kind, said in told.items() if "anna" in said or "example" in said]
    assert "invalid input value for enum public.mood: (…)" in told["public.mood"]
    assert "t_x_key" in told["unique"]


def test_errors_are_in_english_where_the_role_may_say_so(server: PostgresServer) -> None:
    """With the right to it (a superuser has it); without, nothing fails and nothing is logged."""
    spoken = []
    with server.connect(NAME, user=SUPERUSER) as link:
        link.autocommit = True
        link.execute(f"ALTER ROLE {ROLE} SET lc_messages = 'POSIX'".encode())
        try:
            for grant in ("SELECT", f"GRANT SET ON PARAMETER lc_messages TO {ROLE}"):
                link.execute(grant.encode())
                with port(server).where().connected(NAME, NAMED, LONG_S) as ours:
                    spoken.append(ours.execute("SHOW lc_messages").fetchone())
        finally:
            link.execute(f"ALTER ROLE {ROLE} RESET lc_messages".encode())
            link.execute(f"REVOKE SET ON PARAMETER lc_messages FROM {ROLE}".encode())

    assert spoken == [("POSIX",), ("C",)]
    assert 'permission denied to set parameter "lc_messages"' not in server.log
