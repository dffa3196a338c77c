"""What every `Database` and `Backups` promise: those in memory, PostgreSQL 15 and the newest."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex

import pytest

from commands.database_ports import Backups, Database
from commands.domain.database import Loss
from commands.domain.errors import BackupInvalidError, DatabaseError
from tests.engines.postgres_server import PostgresServer
from tests.engines.waiting import eventually
from tests.fakes.clock import FixedClock
from tests.fakes.database import FakeBackups, FakeContent, FakeDatabase, FakeShelf
from workers.adapters.backups import BackupFolder
from workers.adapters.postgres.building import managed
from workers.adapters.surroundings import Surroundings
from workers.proving import Proof

LONG_S = 60.0
TABLES = """
    CREATE TABLE users (id serial PRIMARY KEY, name text);
    CREATE TABLE projects (id serial PRIMARY KEY, owner_id int REFERENCES users, title text);
    CREATE TABLE alembic_version (version_num text PRIMARY KEY);
    INSERT INTO alembic_version VALUES ('r06');
"""


@dataclass(slots=True)
class World:
    """A server, its backups, and a way to have a database with so many users on it."""

    database: Database
    backups: Backups
    clock: FixedClock
    have: Callable[[str, int], None]
    prefix: str = field(default_factory=lambda: f"contract_{token_hex(4)}")

    def name(self, what: str = "") -> str:
        return f"{self.prefix}{what}"

    def given(self, what: str = "", users: int = 3) -> str:
        self.have(self.name(what), users)
        return self.name(what)

    def counts(self, name: str) -> dict[str, int]:
        return dict(self.database.counts(name, LONG_S))

    def dumped(self, name: str) -> str:
        path = self.backups.new_path(name, "RB-17")
        return self.database.dump(name, path, LONG_S).name


REAL = {"15": "postgres_server", "newest": "newest_postgres"}


@pytest.fixture(
    params=["fake", pytest.param("15", marks=pytest.mark.engine("postgresql")), "newest"]
)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    clock = FixedClock()
    if request.param == "fake":
        shelf = FakeShelf()
        fake = FakeDatabase(shelf=shelf, clock=clock)

        def remember(name: str, users: int) -> None:
            fake.databases[name] = FakeContent({"users": users, "projects": 0}, ("r06",))

        yield World(fake, FakeBackups(shelf, clock), clock, remember)
        return
    server: PostgresServer = request.getfixturevalue(REAL[request.param])
    around = Surroundings({"PATH": f"{server.programs}:{os.environ['PATH']}"})
    postgres = managed(server.dsn(), "ROLLBOT_DATABASE_URL_TEST", around, "rollbot RB-17")

    def make(name: str, users: int) -> None:
        server.create_database(name)
        with server.connect(name) as link:
            link.execute(TABLES)
            link.execute("INSERT INTO users (name) SELECT 'x' FROM generate_series(1, %s)", [users])

    real = World(postgres, BackupFolder(tmp_path, clock), clock, make)
    yield real
    for (name,) in server.query("SELECT datname FROM pg_database"):
        if name.startswith(real.prefix):
            server.drop_database(name)


def test_a_database_is_described(world: World) -> None:
    """Versions, existence, size, revisions and exact rows, without Alembic's own table."""
    name = world.given(users=4)

    assert world.database.server().version >= 150000
    assert world.database.server().client_version
    assert world.database.exists(name)
    assert not world.database.exists(world.name("_absent"))
    assert world.database.size_bytes(name) > 0
    assert world.database.revisions(name) == ("r06",)
    written = world.database.writes(name)
    assert world.counts(name) == {"users": 4, "projects": 0}
    assert {"users", "projects"} <= set(written)
    assert written["users"] != written["projects"]
    eventually(lambda: world.database.sessions(name) == (), what="nobody is on it")


def test_what_is_not_there_is_named(world: World) -> None:
    """A question about a database that is not there is an error with its name, never a zero."""
    absent = world.name("_absent")

    with pytest.raises(DatabaseError, match=absent):
        world.database.counts(absent, LONG_S)
    with pytest.raises(DatabaseError, match=absent):
        world.database.clone(absent, world.name("_copy"), LONG_S)


def test_rows_at_risk_are_counted(world: World) -> None:
    """A loss comes back with the rows that it destroys; what is not there stays as it was."""
    name = world.given(users=5)
    losses = (Loss(what="table", name="users"), Loss(what="table", name="absent"))

    found = world.database.rows_at_risk(name, losses, LONG_S)

    assert [(loss.name, loss.rows, loss.estimated) for loss in found] == [
        ("users", 5, False),
        ("absent", None, False),
    ]


def test_a_clone_holds_everything_and_is_whole(world: World) -> None:
    """The copy has the rows, says that it was finished, and the source goes on."""
    source, copy = world.given(users=6), world.name("_before_RB_17")

    world.database.clone(source, copy, LONG_S)

    assert world.counts(copy) == world.counts(source) == {"users": 6, "projects": 0}
    assert world.database.is_whole(copy)
    assert not world.database.is_whole(source)
    with pytest.raises(DatabaseError):
        world.database.clone(source, copy, LONG_S)


def test_a_created_database_is_empty_and_not_whole_until_it_is_said(world: World) -> None:
    """Who finds one after a crash can tell whether the restore into it was finished."""
    name = world.given()
    copy = world.name("_restored_RB_17")

    world.database.create(copy, like=name)
    before = world.database.is_whole(copy)
    world.database.mark_whole(copy)

    assert world.counts(copy) == {}
    assert not before
    assert world.database.is_whole(copy)
    assert not world.database.is_whole(world.name("_absent"))


def test_a_swap_exchanges_two_databases_once(world: World) -> None:
    """Asked again after a crash it changes nothing; the other way round it undoes itself."""
    name, copy, old = world.given(users=1), world.given("_restored", users=2), world.name("_old")

    for _ in range(2):
        world.database.swap(name, copy, old)
    swapped = (world.counts(name)["users"], world.counts(old)["users"])
    world.database.swap(name, old, copy)

    assert swapped == (2, 1)
    assert (world.counts(name)["users"], world.counts(copy)["users"]) == (1, 2)
    assert not world.database.exists(old)


def test_a_swap_with_nothing_to_swap_in_is_refused(world: World) -> None:
    """Production keeps its name when the other database is missing."""
    name = world.given()

    with pytest.raises(DatabaseError, match="missing"):
        world.database.swap(name, world.name("_restored"), world.name("_old"))

    assert world.counts(name)["users"] == 3


def test_dropping_is_safe_to_repeat(world: World) -> None:
    """What is gone stays gone, without an error."""
    name = world.given()

    for _ in range(2):
        world.database.drop(name)

    assert not world.database.exists(name)


def test_a_backup_is_listed_and_restores_what_was_there(world: World) -> None:
    """The record says whose, when, by whom, at which revision, with how many rows."""
    name, copy = world.given(users=7), world.name("_scratch")

    backup = world.dumped(name)
    world.database.create(copy, like=name)
    world.database.restore(world.backups.path(backup), copy, LONG_S)

    (record,) = world.backups.listed(name)
    assert (record.name, record.database, record.by) == (backup, name, "RB-17")
    assert record.revisions == ("r06",)
    assert record.counts == world.counts(copy) == {"users": 7, "projects": 0}
    assert record.proven_at is None
    assert len(record.sha256) == 64
    assert world.database.revisions(copy) == ("r06",)


def test_a_backup_of_some_tables_has_only_them(world: World) -> None:
    """Where there is no room for a copy, what a downgrade destroys is kept; it is no backup."""
    name, copy = world.given(users=2), world.name("_scratch")

    path = world.backups.new_path(name, "RB-17")
    record = world.database.dump(name, path, LONG_S, tables=("users",))
    world.database.create(copy, like=name)
    world.database.restore(path, copy, LONG_S)

    assert record.counts == world.counts(copy) == {"users": 2}
    with pytest.raises(BackupInvalidError) as caught:
        Proof(world.backups, world.database, FixedClock()).of(record, copy, LONG_S)
    assert (caught.value.why, caught.value.found) == ("partial", "users")
    assert [one.proven_at for one in world.backups.listed(name)] == [None]


def test_a_restore_goes_into_an_empty_database_only(world: World) -> None:
    """Nothing is ever restored over something."""
    name = world.given()
    backup = world.dumped(name)

    with pytest.raises(DatabaseError):
        world.database.restore(world.backups.path(backup), name, LONG_S)

    assert world.counts(name)["users"] == 3


def test_two_backups_of_one_moment_have_two_names(world: World) -> None:
    """No backup takes the place of another (H10)."""
    name = world.given()

    first, second = world.dumped(name), world.dumped(name)

    assert first != second
    assert {record.name for record in world.backups.listed(name)} == {first, second}
    assert world.backups.listed(world.name("_other")) == ()


def test_a_backup_that_is_not_there_is_refused(world: World) -> None:
    """A name leads to a file in the folder, or to nothing: never to a path elsewhere."""
    for name in ("absent.dump.zst", "../etc/passwd", "/etc/passwd"):
        with pytest.raises(BackupInvalidError):
            world.backups.path(name)


def test_pruning_keeps_the_newest_proven_one_and_what_is_needed(world: World) -> None:
    """Old ones go, proven by nobody first of all; never the one that a restore would take."""
    name = world.given()
    proven, needed, old, unproven = (_a_day_later(world, world.dumped(name)) for _ in range(4))
    (record,) = (one for one in world.backups.listed(name) if one.name == proven)
    world.backups.note(record.model_copy(update={"proven_at": world.clock.now()}))
    world.clock.sleep(30 * 86_400)

    gone = [world.backups.prune(name, 7, 1, [needed]) for _ in range(2)]

    assert gone == [(unproven, old), ()]
    assert {one.name for one in world.backups.listed(name)} == {proven, needed}


def test_integrity_compares_the_rows_expected(world: World) -> None:
    """A table with fewer rows than the rehearsal left, and one that is gone, are both found."""
    name = world.given(users=3)

    found = world.database.integrity(name, {"users": 3, "projects": 1, "absent": 2}, LONG_S)

    assert {(f.subject, f.ok, f.found) for f in found if f.check == "count"} == {
        ("users", True, "3/3"),
        ("projects", False, "0/1"),
        ("absent", False, "-/2"),
    }


def test_settling_with_nothing_to_settle_changes_nothing(world: World) -> None:
    """The next worker asks for it always."""
    name = world.given()

    for _ in range(2):
        world.database.settle()

    assert world.database.exists(name)


def _a_day_later(world: World, backup: str) -> str:
    world.clock.sleep(86_400)
    return backup
