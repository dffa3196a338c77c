"""What ties a whole database down (replication, prepared ones), and where an address leads."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from rollbot.check.place import PROBE
from tests.engines.postgres_server import SUPERUSER, PostgresServer
from tests.engines.waiting import eventually
from tests.fakes.clock import FixedClock
from tests.integration.postgres_port import LONG_S, NAMED, port
from workers.adapters.backups import BackupFolder
from workers.adapters.postgres.building import managed
from workers.adapters.postgres.database import Postgres
from workers.adapters.surroundings import Surroundings

pytestmark = pytest.mark.engine("postgresql")

SOURCE, READER, COPY = "tied_source", "tied_reader", "tied_reader_scratch_RB_17"


@pytest.fixture
def server(own_postgres: Callable[..., PostgresServer]) -> PostgresServer:
    """Its `tied_reader` is subscribed to `tied_source` on the same server."""
    made = own_postgres(wal_level="logical", max_prepared_transactions="2")
    for name in (SOURCE, READER):
        made.create_database(name)
        with made.connect(name, user=SUPERUSER) as link:
            link.execute("CREATE TABLE users (id int PRIMARY KEY)")
    made.query("CREATE PUBLICATION everybody FOR TABLE users", SOURCE)
    made.query("SELECT pg_create_logical_replication_slot('to_reader', 'pgoutput')", SOURCE)
    made.query("SELECT pg_create_logical_replication_slot('idle', 'pgoutput')", SOURCE)
    with made.connect(READER, user=SUPERUSER) as link:
        told = psycopg.sql.SQL(
            "CREATE SUBSCRIPTION of_source CONNECTION {} PUBLICATION everybody"
            " WITH (create_slot = false, slot_name = to_reader, copy_data = false)"
        )
        link.execute(told.format(made.dsn(SOURCE, user=SUPERUSER)))
    return made


def test_what_ties_a_database_down_is_seen_and_left_out_of_copies(
    server: PostgresServer, tmp_path: Path
) -> None:
    """Without a superuser's rights; a restored copy has no subscription, and can be dropped."""
    database = port(server)
    with server.connect(SOURCE) as link:
        link.execute("BEGIN; CREATE TABLE t (); PREPARE TRANSACTION 'forgotten'")

    def seen(name: str) -> list[tuple[str, str]]:
        return [(one.what, one.name.partition(" (pid")[0]) for one in database.ties(name)]

    eventually(lambda: len(seen(SOURCE)) == 4, what="the subscriber has come")
    assert seen(SOURCE) == [
        ("prepared", "forgotten"), ("sender", "of_source"), ("slot", "idle"), ("slot", "to_reader"),
    ]  # fmt: skip
    assert seen(READER) == [
        ("subscription", "of_source"), ("worker", "logical replication worker"),
    ]  # fmt: skip
    assert seen("postgres") == []
    assert all((one.age_s is not None) == (one.what == "prepared") for one in database.ties(SOURCE))

    superuser = _as_superuser(server)
    backups = BackupFolder(tmp_path, FixedClock())
    path = backups.new_path(READER, "RB-17")
    superuser.dump(READER, path, LONG_S)
    superuser.create(COPY, like=READER)
    superuser.restore(path, COPY, LONG_S)
    assert (seen(COPY), superuser.counts(COPY, LONG_S)) == ([], {"users": 0})
    superuser.drop(COPY)
    assert not superuser.exists(COPY)


def _as_superuser(server: PostgresServer) -> Postgres:
    """Only a superuser's dump has subscriptions in it."""
    around = Surroundings({"PATH": f"{server.programs}:/usr/bin:/bin"})
    return managed(server.dsn(user=SUPERUSER), "ROLLBOT_DATABASE_URL_TEST", around, NAMED)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql+psycopg"])
def test_the_probe_tells_where_an_address_leads(
    postgres_server: PostgresServer, database: str, scheme: str
) -> None:
    """With whatever driver is there: many an image completes its address itself."""
    url = database.replace("postgresql://", f"{scheme}://")
    argv = [sys.executable, "-c", PROBE.read_text(), "DATABASE_URL"]
    done = subprocess.run(
        argv, env={"DATABASE_URL": url}, capture_output=True, text=True, check=False
    )
    asked = "SELECT (extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint"
    ((started,),) = postgres_server.query(asked)
    name = database.rpartition("/")[2]
    assert f"rollbot-database:{started} {name}" in done.stdout.splitlines(), done.stderr
