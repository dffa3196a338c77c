"""Locks seen from outside: who waits for whom, and a migration that gives up (case 50, H17)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import psycopg
import pytest

from tests.engines.postgres_server import PostgresServer
from tests.engines.waiting import eventually
from tests.integration.postgres_port import NAMED, port

pytestmark = pytest.mark.engine("postgresql")

NAME = "locked"
LONG_S = 60.0
Client = psycopg.Connection[tuple[object, ...]]
ALTER = "ALTER TABLE users ADD COLUMN more text"


@pytest.fixture
def server(postgres_server: PostgresServer) -> Iterator[PostgresServer]:
    postgres_server.create_database(NAME)
    with postgres_server.connect(NAME) as link:
        link.execute("CREATE TABLE users (id int)")
    yield postgres_server
    postgres_server.drop_database(NAME)


@pytest.fixture
def client(server: PostgresServer) -> Iterator[Callable[[str], Client]]:
    """A maker of sessions that call themselves something."""
    with ExitStack() as ending:

        def make(name: str) -> Client:
            link = psycopg.connect(server.dsn(NAME), application_name=name, autocommit=True)
            ending.callback(link.close)
            return link

        yield make


class Asked(threading.Thread):
    """A statement at work in another thread; `ended_with` says how it went."""

    def __init__(self, link: Client, *statements: str) -> None:
        super().__init__(daemon=True)
        self.link, self.statements = link, statements
        self.ended_with: Exception | None = None
        self.start()

    def run(self) -> None:
        try:
            for statement in self.statements:
                self.link.execute(statement.encode())
        except psycopg.Error as error:
            self.ended_with = error

    def waits(self, server: PostgresServer) -> None:
        """Return when the server says that it waits for a lock."""
        waiting = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        pid = (self.link.info.backend_pid,)
        eventually(lambda: pid in server.query(waiting), what="it waits")

    def over(self) -> Exception | None:
        self.join(60)
        assert not self.is_alive()
        return self.ended_with


@pytest.mark.parametrize("name", [NAMED, "", "alembic"], ids=["named", "nameless", "other"])
def test_a_migration_that_waits_too_long_is_ended_and_readers_go_on(
    server: PostgresServer, client: Callable[[str], Client], name: str
) -> None:
    """Whatever driver it uses; who is in the way is told, and lives; readers wait no longer."""
    blocker = client("psql")
    blocker.execute("BEGIN")
    blocker.execute("SELECT * FROM users")

    with port(server).watch(NAME, lock_timeout_s=1.0) as watch:
        migration = Asked(client(name), ALTER)
        migration.waits(server)
        reader = Asked(client(""), "SELECT count(*) FROM users")
        migration_ended, reader_ended = migration.over(), reader.over()

    assert isinstance(migration_ended, psycopg.errors.AdminShutdown)
    assert reader_ended is None
    assert blocker.execute("SELECT 1").fetchone() == (1,)
    assert 1.0 < watch.seen.waited_s < LONG_S
    assert watch.seen.held_s == 0
    (holder,) = watch.seen.holders
    assert holder.startswith(f"psql (pid {blocker.info.backend_pid}, ")


def test_how_long_readers_were_kept_out_is_seen(
    server: PostgresServer, client: Callable[[str], Client]
) -> None:
    """A lock that is held after the change, and the reader that waits behind it, are both timed."""
    migration, reader = client(NAMED), client("api")

    with port(server).watch(NAME, lock_timeout_s=LONG_S) as watch:
        migration.execute("BEGIN")
        migration.execute(ALTER.encode())
        waiting = Asked(reader, "SELECT count(*) FROM users")
        waiting.waits(server)
        eventually(lambda: watch.seen.blocked_s > 0.2, what="it was seen")
        migration.execute("COMMIT")
        assert waiting.over() is None

    assert 0.1 < watch.seen.held_s < LONG_S
    assert 0.2 < watch.seen.blocked_s < LONG_S
    assert watch.seen.waited_s == 0
    assert watch.seen.holders == ()


def test_others_that_wait_for_each_other_are_left_alone(
    server: PostgresServer, client: Callable[[str], Client]
) -> None:
    """Only the migration's own session is ended; a table that it makes keeps nobody out."""
    migration, holder, waiter = client(NAMED), client("api"), client("worker")
    holder.execute("BEGIN")
    holder.execute("LOCK TABLE users")

    with port(server).watch(NAME, lock_timeout_s=0.1) as watch:
        migration.execute("BEGIN")
        migration.execute("CREATE TABLE invoices (id int)")
        waiting = Asked(waiter, "SELECT count(*) FROM users")
        waiting.waits(server)
        looks = Asked(migration, "SELECT pg_sleep(0.5)")
        assert looks.over() is None
        assert waiting.is_alive()
        holder.execute("COMMIT")
        assert waiting.over() is None
        migration.execute("COMMIT")

    assert watch.seen.held_s == watch.seen.waited_s == watch.seen.blocked_s == 0


def test_a_watch_whose_session_was_ended_looks_again(
    server: PostgresServer, client: Callable[[str], Client]
) -> None:
    """Somebody ends every session in the way, ours too: the migration still has its limit."""
    blocker = client("psql")
    blocker.execute("BEGIN")
    blocker.execute("SELECT * FROM users")

    with port(server).watch(NAME, lock_timeout_s=1.0):
        ended = server.query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            f" WHERE application_name = '{NAMED}'"
        )
        assert ended == [(True,)]
        migration_ended = Asked(client("alembic"), ALTER).over()

    assert isinstance(migration_ended, psycopg.errors.AdminShutdown)


def test_a_watch_on_a_server_that_is_away_sees_nothing_and_breaks_nothing(
    own_postgres: Callable[..., PostgresServer],
) -> None:
    """What is being watched tells of the outage itself."""
    server = own_postgres()
    server.create_database(NAME)
    watched = port(server)

    with watched.watch(NAME, lock_timeout_s=1) as watch:
        server.kill9()
    with watched.watch(NAME, lock_timeout_s=1):
        pass

    assert watch.seen.holders == ()
