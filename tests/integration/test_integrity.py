"""Integrity on odd ground: columns that are no whole numbers, and operators that are not ours."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from commands.domain.database import Loss
from tests.engines.postgres_server import SUPERUSER, PostgresServer
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


STRANGERS = """
    SET ROLE stranger;
    CREATE FUNCTION same(varchar, varchar) RETURNS bool LANGUAGE plpgsql AS $$
        BEGIN INSERT INTO public.caught VALUES (current_user); RETURN $1::text = $2::text; END $$;
    CREATE OPERATOR = (LEFTARG = varchar, RIGHTARG = varchar, FUNCTION = same);
    CREATE FUNCTION step(bigint, varchar) RETURNS bigint LANGUAGE plpgsql AS $$
        BEGIN INSERT INTO public.caught VALUES (current_user); RETURN $1 + 1; END $$;
    CREATE AGGREGATE count(varchar) (SFUNC = step, STYPE = bigint, INITCOND = '0');
    CREATE AGGREGATE max(varchar) (SFUNC = step, STYPE = bigint, INITCOND = '0');
    CREATE TYPE number AS (n bigint);
    CREATE FUNCTION as_number(number) RETURNS bigint LANGUAGE plpgsql AS $$
        BEGIN INSERT INTO public.caught VALUES (current_user); RETURN ($1).n; END $$;
    CREATE CAST (number AS bigint) WITH FUNCTION as_number(number) AS IMPLICIT;
    CREATE FUNCTION made(bigint) RETURNS number LANGUAGE sql AS 'SELECT ROW($1)::number';
    CREATE SEQUENCE of_cast;
    CREATE TABLE parent (k varchar PRIMARY KEY, n bigint UNIQUE);
    CREATE TABLE child (
        k varchar REFERENCES parent (k), n number REFERENCES parent (n),
        m number DEFAULT made(nextval('of_cast'))
    );
    INSERT INTO parent VALUES ('a', 1);
    INSERT INTO child (k) VALUES ('a');
    GRANT SELECT ON parent, child, of_cast TO PUBLIC;
"""


def test_whoever_may_create_in_public_runs_nothing_as_us(server: PostgresServer) -> None:
    """Its operators, aggregates and casts fit better than the server's, and are not called."""
    with server.connect(NAME, user=SUPERUSER) as link:
        link.autocommit = True
        link.execute("CREATE ROLE stranger; GRANT ALL ON SCHEMA public TO stranger")
        try:
            link.execute("CREATE TABLE caught (who text); GRANT ALL ON caught TO PUBLIC")
            link.execute(STRANGERS)
            link.execute("TRUNCATE caught")
            losses = [Loss(what="column", name="child.k"), Loss(what="table", name="child")]

            found = port(server).integrity(NAME, {"child": 1}, LONG_S)
            port(server).rows_at_risk(NAME, losses, LONG_S)
            caught = link.execute("SELECT who FROM caught").fetchall()
        finally:
            link.execute("RESET ROLE; DROP OWNED BY stranger CASCADE; DROP ROLE stranger")

    assert caught == []
    assert {(f.check, f.subject): f.ok for f in found if f.check != "index"} == {
        ("count", "child"): True,
        ("foreign_key", "child.child_k_fkey"): True,
        ("foreign_key", "child.child_n_fkey"): None,
        ("sequence", "child.m"): None,
    }


def test_a_key_is_compared_as_its_type_compares(server: PostgresServer) -> None:
    """`citext` of another case is no orphan; nor is a key of another width, or of a domain."""
    with server.connect(NAME, user=SUPERUSER) as link:
        link.execute("CREATE EXTENSION citext")
    with server.connect(NAME) as link:
        link.execute(
            "CREATE DOMAIN short AS varchar(9); CREATE TYPE mood AS ENUM ('sad');"
            "CREATE TABLE parents (c citext UNIQUE, n bigint UNIQUE, d text UNIQUE, m mood UNIQUE);"
            "CREATE TABLE children (c citext REFERENCES parents (c), n smallint REFERENCES"
            " parents (n), d short REFERENCES parents (d), m mood REFERENCES parents (m));"
            "INSERT INTO parents VALUES ('Anna', 1, 'x', 'sad');"
            "INSERT INTO children VALUES ('aNNA', 1, 'x', 'sad')"
        )

    found = port(server).integrity(NAME, {}, LONG_S)

    keys = {f.subject: f.ok for f in found if f.check == "foreign_key"}
    assert keys == {f"children.children_{of}_fkey": True for of in "cndm"}
