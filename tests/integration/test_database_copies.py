"""Whole databases copied, swapped and brought back, with users in the way (hazard H5)."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

import psycopg
import pytest
from psycopg import sql

from commands.domain.database import Loss
from commands.domain.errors import (
    CommandTimedOutError,
    DatabaseError,
    DatabaseUnavailableError,
)
from tests.engines.postgres_server import SUPERUSER, PostgresServer
from tests.engines.waiting import eventually
from tests.integration.postgres_port import LONG_S, NAMED, port
from tests.stack.schema import migrate, seed
from workers.adapters.postgres.address import Address
from workers.adapters.postgres.building import managed
from workers.adapters.postgres.database import Postgres
from workers.adapters.surroundings import Surroundings

pytestmark = pytest.mark.engine("postgresql")

NAME, BEFORE, AFTER = "copied", "copied_before_RB_17", "copied_after_RB_17"


@pytest.fixture
def server(postgres_server: PostgresServer) -> Iterator[PostgresServer]:
    """The shared server with a database that has users, projects and files."""
    dsn = postgres_server.create_database(NAME)
    with postgres_server.connect(NAME) as link:
        link.execute("CREATE TABLE users (id serial PRIMARY KEY, name text)")
        link.execute("INSERT INTO users (name) SELECT 'x' FROM generate_series(1, 100)")
    del dsn
    yield postgres_server
    for name in (NAME, BEFORE, AFTER):
        postgres_server.drop_database(name)


@dataclass(slots=True)
class Knocking:
    """Clients that come back the moment they were ended, as an application's pool does."""

    server: PostgresServer
    database: str
    refused: set[str] = field(default_factory=set)
    asked: int = 0
    _over: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._threads = [threading.Thread(target=self._knock) for _ in range(3)]
        for thread in self._threads:
            thread.start()
        eventually(lambda: self.asked > 10, what="they ask")
        return self

    def __exit__(self, *problem: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _knock(self) -> None:
        while not self._over.is_set():
            with suppress(psycopg.OperationalError), self.server.connect(self.database) as link:
                while not self._over.is_set():
                    link.execute("SELECT count(*) FROM users")
                    self.asked += 1


def _users(server: PostgresServer, database: str) -> object:
    with server.connect(database) as link:
        return link.execute("SELECT count(*) FROM users").fetchall()[0][0]


def test_an_undo_brings_back_rows_written_after_the_backup(server: PostgresServer) -> None:
    """Cloned before the downgrade, swapped in again after it: nothing that was there is lost."""
    database = port(server)
    with server.connect(NAME) as link:
        link.execute("INSERT INTO users (name) VALUES ('written after the backup')")
    database.clone(NAME, BEFORE, LONG_S)
    with server.connect(NAME) as link:
        link.execute("ALTER TABLE users DROP COLUMN name")

    database.swap(NAME, BEFORE, AFTER)

    with server.connect(NAME) as link:
        found = link.execute("SELECT name FROM users WHERE name LIKE 'written%'").fetchall()
    assert found == [("written after the backup",)]
    assert "users.name" not in database.shape(AFTER).names["column"]


def test_clients_that_keep_coming_back_stop_neither_a_clone_nor_a_swap(
    server: PostgresServer,
) -> None:
    """They are shown out until it is done, and then they find the database under its name."""
    database = port(server)

    with Knocking(server, NAME) as clients:
        database.clone(NAME, BEFORE, LONG_S)
        database.swap(NAME, BEFORE, AFTER)
        asked = clients.asked
        eventually(lambda: clients.asked > asked, what="they ask on")

    assert _users(server, NAME) == _users(server, AFTER) == 100


def test_room_is_what_a_disk_that_people_tell_of_has_left(server: PostgresServer) -> None:
    """A managed server says nothing of its own; its databases and WAL are taken off."""
    database = port(server)
    size = sum(
        database.size_bytes(str(n)) for (n,) in server.query("SELECT datname FROM pg_database")
    )

    told = replace(database, disk_bytes=2**40).server().free_bytes

    assert database.server().free_bytes is None
    assert told is not None
    assert 2**40 - size - 2**31 < told <= 2**40 - 2**30
    assert replace(database, disk_bytes=1).server().free_bytes == 0


def test_a_clone_that_was_cut_short_is_made_again(server: PostgresServer) -> None:
    """What is there but not marked was not finished: dropped and cloned anew it has everything."""
    database = port(server)
    with server.connect() as link:
        link.execute(f"CREATE DATABASE {BEFORE} TEMPLATE {NAME}".encode())
    half = database.is_whole(BEFORE)

    database.drop(BEFORE)
    with pytest.raises(CommandTimedOutError):
        database.clone(NAME, BEFORE, timeout_s=0.001)
    late = database.exists(BEFORE)
    database.clone(NAME, BEFORE, LONG_S)

    assert (half, late, database.is_whole(BEFORE)) == (False, False, True)
    assert _users(server, BEFORE) == 100


def test_a_swap_that_cannot_be_done_changes_no_name(server: PostgresServer) -> None:
    """A session that the role may not end holds the second database: both keep their names."""
    database = port(server)
    database.clone(NAME, BEFORE, LONG_S)

    with server.connect(BEFORE, user=SUPERUSER), pytest.raises(DatabaseError) as caught:
        database.swap(NAME, BEFORE, AFTER)

    assert caught.value.code == "55006"
    assert database.exists(NAME)
    assert database.exists(BEFORE)
    assert not database.exists(AFTER)


def test_a_copy_takes_the_settings_and_grants_of_its_source(server: PostgresServer) -> None:
    """They stand beside a database, not in it: a copy swapped in behaves as the old one did."""
    database = port(server)
    server.query("CREATE ROLE copied_reader")
    try:
        with server.connect(user=SUPERUSER) as link:
            link.execute("SET allow_in_place_tablespaces = on")
            link.execute("CREATE TABLESPACE copied_disk LOCATION ''")
            link.execute("GRANT CREATE ON TABLESPACE copied_disk TO samokoder")
            link.execute(f"ALTER DATABASE {NAME} SET TABLESPACE copied_disk".encode())
        with server.connect() as link:
            link.execute(f"COMMENT ON DATABASE {NAME} IS 'ask Olga'")
            link.execute(f"ALTER DATABASE {NAME} CONNECTION LIMIT 42")
            link.execute(f"ALTER DATABASE {NAME} SET timezone TO 'Asia/Yakutsk'")
            link.execute(f'ALTER DATABASE {NAME} SET search_path TO "$user", public, other')
            link.execute(f"REVOKE ALL ON DATABASE {NAME} FROM PUBLIC")
            link.execute(f"GRANT CONNECT ON DATABASE {NAME} TO copied_reader")

        database.clone(NAME, BEFORE, LONG_S)
        database.create(AFTER, like=NAME)

        settings = {name: _settings(server, name) for name in (NAME, BEFORE, AFTER)}
        assert settings[BEFORE] == settings[AFTER] == settings[NAME]
        beside = _beside(server, NAME)
        assert beside == ("copied_disk", 42, "ask Olga")
        database.drop(AFTER)
        for incoming, outgoing in ((BEFORE, AFTER), (AFTER, BEFORE)):
            database.swap(NAME, incoming, outgoing)
            assert _beside(server, NAME) == beside
            assert (database.is_whole(NAME), database.is_whole(outgoing)) == (False, True)
    finally:
        for name in (NAME, BEFORE, AFTER):
            server.drop_database(name)
        server.query("DROP TABLESPACE IF EXISTS copied_disk")
        server.query("DROP ROLE copied_reader")


def test_a_role_cannot_have_its_setting_run_by_whoever_copies(server: PostgresServer) -> None:
    """FROM CURRENT stores a list as it was spoken; a copy speaks its words, and runs none."""
    path = f"{server.programs}:{os.environ['PATH']}"
    database = managed(server.dsn(user=SUPERUSER), "URL", Surroundings({"PATH": path}), NAMED)
    with server.connect(user=SUPERUSER) as link:
        made = sql.SQL("CREATE ROLE copied_sly LOGIN PASSWORD {}").format(server.password)
        link.execute(made)
    try:
        with server.connect(NAME, user="copied_sly") as link:
            spoken = 'public;CREATE/**/ROLE/**/copied_loot;--, "$user", "", "Odd ""one"""'
            link.execute("SELECT set_config('search_path', %s, false)", [spoken])
            link.execute(f"ALTER ROLE copied_sly IN DATABASE {NAME} SET search_path FROM CURRENT")

        database.clone(NAME, BEFORE, LONG_S)

        assert server.query("SELECT 1 FROM pg_roles WHERE rolname = 'copied_loot'") == []
        paths = []
        for name in (NAME, BEFORE):
            with server.connect(name, user="copied_sly") as link:
                paths.append(link.execute("SELECT current_schemas(false)").fetchall())
        assert paths[0] == paths[1]
    finally:
        for name in (NAME, BEFORE):
            server.drop_database(name)
        server.query("DROP ROLE copied_sly")
        server.query("DROP ROLE IF EXISTS copied_loot")


def test_who_is_drained_is_told_and_newcomers_find_the_door_open(server: PostgresServer) -> None:
    """Whoever stays is ended and named with what they held; the database is not closed for it."""
    database = port(server)
    eventually(lambda: database.sessions(NAME) == (), what="who made the table has left")
    with psycopg.connect(server.dsn(NAME), application_name="psql") as client:
        client.execute("LOCK TABLE users IN ACCESS EXCLUSIVE MODE")
        (seen,) = database.sessions(NAME)
        ended = database.drain(NAME, patience_s=0.2)

        assert (seen.application, seen.user, seen.state) == (
            "psql",
            "samokoder",
            "idle in transaction",
        )
        assert seen.relations == ("users",)
        assert seen.transaction_s is not None
        assert [session.pid for session in ended] == [seen.pid]
        with pytest.raises(psycopg.OperationalError):
            client.execute("SELECT 1")
    assert database.sessions(NAME) == ()
    assert _users(server, NAME) == 100


def test_a_client_that_leaves_by_itself_is_not_ended(server: PostgresServer) -> None:
    """Draining waits: stopped services close their sessions in order."""
    database = port(server)
    client = server.connect(NAME)
    leaving = threading.Timer(0.3, client.close)
    leaving.start()

    ended = database.drain(NAME, patience_s=120)

    leaving.join()
    assert ended == ()


def test_a_session_that_cannot_be_ended_is_named(server: PostgresServer) -> None:
    """A superuser's psql: the role may not end it, so people must."""
    with (
        psycopg.connect(server.dsn(NAME, user=SUPERUSER), application_name="psql"),
        pytest.raises(DatabaseError, match=r"psql \(127\.0\.0\.1\)"),
    ):
        port(server).drain(NAME, patience_s=0)


def test_an_earlier_workers_session_is_ended_and_no_other(server: PostgresServer) -> None:
    """RB-17's by its name, with or without its program's; RB-170's lives on."""
    names = (NAMED, f"{NAMED} pg_dump", f"{NAMED}0", "psql")
    clients = [psycopg.connect(server.dsn(NAME), application_name=name) for name in names]

    port(server).settle()

    asked = "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'rollbot RB-17%'"
    others = [(client.info.backend_pid,) for client in clients[2:3]]
    eventually(lambda: server.query(asked) == others, what="they are gone")
    for client, is_alive in zip(clients, (False, False, True, True), strict=True):
        if is_alive:
            client.execute("SELECT 1")
        client.close()


def test_a_server_that_is_away_is_named_without_its_password(server: PostgresServer) -> None:
    """The error says where, and holds no secret; nor does the port's own repr."""
    address = Address.of_url(f"postgresql+asyncpg://samokoder:{server.password}@127.0.0.1:1/x", "X")
    away = Postgres(lambda: address, port(server).surroundings, NAMED)

    with pytest.raises(DatabaseUnavailableError) as caught:
        away.exists(NAME)

    assert "127.0.0.1" in str(caught.value)
    assert server.password not in f"{caught.value!r} {caught.value} {away!r} {address!r}"


def test_integrity_finds_what_the_catalogue_hides(
    postgres_server: PostgresServer, tmp_path: Path, database: str
) -> None:
    """Orphans behind a disabled trigger, a sequence behind its column, an invalid index."""
    migrate(tmp_path, database, "v1.3.0")
    seed(database)
    name = database.rpartition("/")[2]
    server = port(postgres_server)
    whole = server.integrity(name, server.counts(name, LONG_S), LONG_S)
    for statement in (
        "SET session_replication_role = replica; DELETE FROM users WHERE id <= 2",
        "SELECT setval('files_id_seq', 7)",
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix_files_path'::regclass",
        "ALTER TABLE projects ADD CONSTRAINT odd FOREIGN KEY (owner_id) REFERENCES users NOT VALID",
    ):
        with postgres_server.connect(name, user=SUPERUSER) as link:
            link.execute(statement.encode())

    found = server.integrity(name, {"users": 20}, LONG_S)

    assert {finding.ok for finding in whole} == {True}
    assert {(f.check, f.subject, f.found) for f in found if not f.ok} == {
        ("count", "users", "18/20"),
        ("foreign_key", "projects.projects_owner_id_fkey", "10"),
        ("sequence", "files.id", "-293"),
        ("index", "ix_files_path", ""),
        ("foreign_key", "projects.odd", "NOT VALID 10"),
    }
    assert [f.subject for f in found if f.ok is None] == ["projects.odd"]


def test_what_cannot_be_told_in_time_is_not_called_good(
    postgres_server: PostgresServer, tmp_path: Path, database: str
) -> None:
    """No time is left: `ok` is None for every count, key and sequence, and rows are estimated.

    Before its first ANALYZE nobody knows anything of a table: no rows are said, not none.
    """
    migrate(tmp_path, database, "v1.3.0")
    name = database.rpartition("/")[2]
    server = port(postgres_server)
    asked = ("table", "users"), ("column", "users.handle"), ("index", "files.ix_files_path")
    losses = [Loss.model_validate({"what": what, "name": of}) for what, of in asked]
    unknown = server.rows_at_risk(name, losses, 0)
    seed(database)
    with postgres_server.connect(name) as link:
        link.execute("UPDATE users SET handle = NULL WHERE id <= 5")
        link.execute("ANALYZE")

    found = server.integrity(name, {"users": 20}, 0)
    guessed, exact = (server.rows_at_risk(name, losses, s) for s in (0, LONG_S))

    assert {f.ok for f in found if f.check != "index"} == {None}
    said = [[(loss.rows, loss.estimated) for loss in each] for each in (unknown, guessed, exact)]
    assert said == [
        [(None, True), (None, True), (None, False)],
        [(20, True), (15, True), (None, False)],
        [(20, False), (15, False), (None, False)],
    ]
    with postgres_server.connect(name) as link:
        sizes = "SELECT pg_total_relation_size('users'), sum(pg_column_size(handle)),"
        sizes += " pg_relation_size('ix_files_path') FROM users"
        assert link.execute(sizes.encode()).fetchall() == [tuple(loss.size_bytes for loss in exact)]


def _beside(server: PostgresServer, database: str) -> tuple[object, ...]:
    with server.connect() as link:
        return link.execute(
            "SELECT spcname, datconnlimit, shobj_description(d.oid, 'pg_database')"
            " FROM pg_database d JOIN pg_tablespace t ON t.oid = dattablespace WHERE datname = %s",
            [database],
        ).fetchall()[0]


def _settings(server: PostgresServer, database: str) -> tuple[object, ...]:
    with server.connect(database, user=SUPERUSER) as link:
        shown = [link.execute(f"SHOW {name}".encode()).fetchall() for name in ("timezone",)]
        path = link.execute("SHOW search_path").fetchall()
        acl = link.execute(
            "SELECT pg_get_userbyid(datdba), encoding, datcollate,"
            " ARRAY(SELECT x::text FROM unnest(datacl) x ORDER BY 1)"
            " FROM pg_database WHERE datname = %s",
            [database],
        ).fetchall()
    return (shown, path, acl)
