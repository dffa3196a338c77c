"""Everything that a database can hold is in its copies: cloned, restored, swapped, compared."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engines.postgres_server import PostgresServer
from tests.fakes.clock import FixedClock
from tests.integration.postgres_objects import OBJECTS, READER, everything
from tests.integration.postgres_port import LONG_S, port
from workers.adapters.backups import BackupFolder
from workers.proving import Proof

pytestmark = pytest.mark.engine("postgresql")

NAME, BEFORE, RESTORED = "objects", "objects_before_RB_17", "objects_restored_RB_17"
SCRATCH, OLD = "objects_scratch_RB_17", "objects_old"
REAL = {"15": "postgres_server", "newest": "newest_postgres"}
# Locales that are not the cluster's: ICU where the server was built with it, else its own.
LOCALE = {
    "15": "ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C' LOCALE_PROVIDER icu ICU_LOCALE 'ru-RU'",
    "newest": "ENCODING 'UTF8' LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'",
}
BESIDE = """
    SELECT pg_get_userbyid(datdba), encoding, datcollate, datctype, datlocprovider,
           to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale', datcollversion,
           ARRAY(SELECT x::text FROM unnest(datacl) x ORDER BY 1)
    FROM pg_database d WHERE datname = %s
"""


@pytest.fixture(params=["15", "newest"])
def server(request: pytest.FixtureRequest) -> Iterator[PostgresServer]:
    """A server with a database in a locale of its own, and one of everything in it."""
    server: PostgresServer = request.getfixturevalue(REAL[request.param])
    server.query("CREATE ROLE objects_reader")
    with server.connect() as link:
        made = f"CREATE DATABASE {NAME} TEMPLATE template0 {LOCALE[request.param]}"
        link.execute(made.encode())
        link.execute(f"GRANT TEMPORARY ON DATABASE {NAME} TO {READER}".encode())
    with server.connect(NAME) as link:
        link.execute(OBJECTS.encode())
    yield server
    for name in (NAME, BEFORE, RESTORED, OLD, SCRATCH):
        server.drop_database(name)
    server.query("DROP ROLE objects_reader")


def test_all_that_a_database_holds_is_in_its_copies(
    server: PostgresServer, newest_postgres: PostgresServer, tmp_path: Path
) -> None:
    """Proven, restored, cloned and swapped there and back: structure, rows and grants are equal.

    Proven on a scratch server, too: newer, with none of production's roles.
    """
    database, backups = port(server), BackupFolder(tmp_path, FixedClock())
    whole, counted = everything(server, NAME), dict(database.counts(NAME, LONG_S))
    assert counted["billing.invoices"] == counted["users"] == 40
    assert (counted["events_2025_eu"], counted["parent"], counted["cache"]) == (1, 1, 1)

    record = database.dump(NAME, backups.new_path(NAME, "RB-17"), LONG_S)
    apart = port(newest_postgres, is_scratch=True)
    for scratch in (database, apart):
        proof = Proof(backups, scratch, FixedClock(), NAME)
        assert proof.of(record, SCRATCH, LONG_S).proven_at
        scratch.drop(SCRATCH)
    database.create(RESTORED, like=NAME)
    database.restore(backups.path(record.name), RESTORED, LONG_S)
    database.clone(NAME, BEFORE, LONG_S)

    for copy in (RESTORED, BEFORE):
        assert everything(server, copy) == whole
        assert database.shape(copy) == database.shape(NAME)
        assert beside(server, copy) == beside(server, NAME)
    database.swap(NAME, RESTORED, OLD)
    assert everything(server, NAME) == everything(server, OLD) == whole
    with server.connect(NAME) as link:
        link.execute("INSERT INTO users (email, name) VALUES ('later@samokoder.test', 'L')")
    found = database.integrity(NAME, counted | {"users": 41}, LONG_S)
    assert {(f.check, f.subject) for f in found if not f.ok} == set()
    database.swap(NAME, OLD, RESTORED)
    assert everything(server, NAME) == whole


def beside(server: PostgresServer, database: str) -> tuple[object, ...]:
    """What the server knows of a database and no dump holds."""
    with server.connect() as link:
        row = link.execute(BESIDE, [database]).fetchone()
    assert row is not None
    return row
