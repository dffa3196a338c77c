"""Integrity on odd ground: columns that are no whole numbers, and operators that are not ours."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.engines.postgres_server import PostgresServer
from tests.integration.postgres_port import LONG_S, port

pytestmark = pytest.mark.engine("postgresql")

NAME = "integrity"


@pytest.fixture
def server(postgres_server: PostgresServer) -> Iterator[PostgresServer]:
    postgres_server.create_database(NAME)
    yield postgres_server
    postgres_server.drop_database(NAME)


def test_a_sequence_of_fractions_is_read_as_well(server: PostgresServer) -> None:
    """Broken, endless and too large: each is told or not known, and none is an error."""
    with server.connect(NAME) as link:
        for table, kind, last in (
            ("floats", "double precision", "1.5"),
            ("prices", "numeric(20,2)", "0.25"),
            ("endless", "double precision", "'infinity'"),
            ("nothing", "numeric", "'nan'"),
            ("large", "bigint", str(2**63 - 1)),
        ):
            link.execute(f"CREATE SEQUENCE of_{table}".encode())
            made = f"CREATE TABLE {table} (id {kind} DEFAULT nextval('of_{table}'))"
            link.execute(made.encode())
            link.execute(f"INSERT INTO {table} VALUES ({last})".encode())
        link.execute(f"SELECT setval('of_large', {2**63 - 1})".encode())

    found = port(server).integrity(NAME, {}, LONG_S)

    assert {f.subject: f.ok for f in found} == {
        "floats.id": False,
        "prices.id": True,
        "endless.id": None,
        "nothing.id": None,
        "large.id": None,
    }
