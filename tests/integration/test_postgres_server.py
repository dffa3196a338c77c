"""The PostgreSQL that the other tests stand on is what they take it for."""

from collections.abc import Callable
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.engines.postgres_server import ROLE, PostgresServer, database_of

pytestmark = pytest.mark.engine("postgresql")


def test_a_database_belongs_to_the_role_of_its_dsn(
    postgres_server: PostgresServer, database: str
) -> None:
    """The role of the DSN owns an empty database of version 15 or newer, and is no superuser."""
    with psycopg.connect(database) as link:
        assert link.info.server_version >= 15_00_00
        assert link.execute("SELECT current_setting('is_superuser')").fetchone() == ("off",)
        assert link.execute("SELECT count(*) FROM pg_tables WHERE schemaname='public'").fetchone()
    owner = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()"
    assert postgres_server.query(owner, database_of(database)) == [(ROLE,)]


def test_a_wrong_password_opens_nothing(database: str) -> None:
    """Over TCP the password is really asked for, so a test that passes has used the right one."""
    password = urlsplit(database).password
    assert password
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(database.replace(password, "guessed"))


def test_what_was_written_survives_a_killed_server(
    own_postgres: Callable[..., PostgresServer],
) -> None:
    """After SIGKILL the same folder starts again with the rows and the settings it had."""
    server = own_postgres(max_connections="9")
    with psycopg.connect(server.create_database("samokoder"), autocommit=True) as link:
        link.execute("CREATE TABLE users AS SELECT generate_series(1, 1000) AS id")
    server.kill9()
    server.start()
    assert server.query("SELECT count(*) FROM users", "samokoder") == [(1000,)]
    assert server.query("SHOW max_connections") == [("9",)]
    assert server.password not in server.log
