"""Rows that a migration, or somebody else, would lose: by the steps, on PostgreSQL and Alembic."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import psycopg
import pytest

from commands.domain.database import Revision, ScriptGraph
from commands.domain.errors import CheckFailedError, CommandFailedError, InDoubtError
from commands.domain.keeping import COPY_STAYS
from commands.domain.plan import Migration, Plan, Target
from commands.domain.text import text
from commands.ports import OneOffOutcome
from tests.engines.postgres_server import PostgresServer
from tests.fakes.database_plans import AFTER, BEFORE
from tests.fakes.database_plans import NAME as PLANNED
from tests.integration.postgres_port import LONG_S, port
from tests.stack.schema import lay_out, migrate, seed
from tests.unit.steps.database_world import DatabaseWorld, database_world
from workers.adapters.backups import BackupFolder
from workers.adapters.postgres.database import Postgres

pytestmark = pytest.mark.engine("postgresql")

NAME = "unlost"
KEPT, LEFT = f"{NAME}_before_RB_17", f"{NAME}_after_RB_17"
SCRIPT = """
from alembic import op
revision = "r07c"
down_revision = "r06"
def upgrade():
    pass
def downgrade():
    {does}
"""


@dataclass(frozen=True, slots=True)
class HostAlembic:
    """`MigrationTool`: the real program, from the host."""

    project: Path
    dsn: str

    def graph(self, target: Target) -> ScriptGraph:
        revisions = (Revision(id="r06"), Revision(id="r07c", down=("r06",)))
        return ScriptGraph(
            service=target.service,
            version=target.version,
            digest=target.digest,
            revisions=revisions,
            heads=("r07c",),
        )

    def sql(self, migration: Migration) -> str:
        raise NotImplementedError

    def run(
        self, migration: Migration, database: str, timeout_s: float, *, scratch: bool
    ) -> OneOffOutcome:
        argv = [sys.executable, "-m", "alembic", *migration.command.argv[-2:]]
        around = {"PATH": os.environ["PATH"], "DATABASE_URL": self.dsn}
        done = subprocess.run(
            argv,
            cwd=self.project,
            env=around,
            timeout=timeout_s,
            capture_output=True,
            text=True,
            check=False,
        )
        return OneOffOutcome(done.returncode, done.stdout, done.stderr[-200:], 1.0)


class Meddled:
    """A server on which something happens behind each call of that name."""

    def __init__(self, database: Postgres, name: str, happens: Callable[[], object]) -> None:
        self._database, self._name, self._happens = database, name, happens

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._database, name)
        if name != self._name:
            return found

        def called(*given: object) -> object:
            result = found(*given)
            self._happens()
            return result

        return called


@dataclass(slots=True)
class RealWorld:
    """The steps' world, its production a database on a real server."""

    w: DatabaseWorld
    server: PostgresServer
    database: Postgres

    def counts(self, name: str = NAME) -> dict[str, int]:
        return dict(self.database.counts(name, LONG_S))

    def meddled(self, name: str, *happens: Callable[[], object]) -> None:
        """Behind the first call of that name the first of these happens, and so on."""
        left = list(happens)
        meddled = Meddled(self.database, name, lambda: left.pop(0)() if left else None)
        self.w.ports = replace(self.w.ports, database=cast(Any, meddled))

    def wrote(self, number: int, name: str = NAME) -> int:
        """How many projects carry that mark."""
        asked = "SELECT count(*) FROM projects WHERE priority = %s"
        with self.server.connect(name) as link:
            return int(str(link.execute(asked, [number]).fetchall()[0][0]))

    def created(self, name: str) -> object:
        """Another one of the same name has another number."""
        return self.server.query(f"SELECT oid FROM pg_database WHERE datname = '{name}'")

    def names(self) -> set[str]:
        found = self.server.query("SELECT datname FROM pg_database")
        return {str(name) for (name,) in found if str(name).startswith(NAME)}


@pytest.fixture
def laid_out(postgres_server: PostgresServer, tmp_path: Path) -> Iterator[RealWorld]:
    """v1.3.0 with rows, and a migration after it whose way back a test writes."""
    dsn = postgres_server.create_database(NAME)
    migrate(tmp_path, dsn, "v1.3.0")
    seed(dsn)
    w = relaid(database_world(), "clone")
    database = port(postgres_server)
    tool = HostAlembic(lay_out(tmp_path, "v1.3.0"), dsn)
    w.ports = replace(w.ports, database=database, migrations=tool)
    postgres_server.query("UPDATE alembic_version SET version_num = 'r07c'", NAME)
    real = RealWorld(w, postgres_server, database)
    yield real
    for name in real.names():
        postgres_server.drop_database(name)


def relaid(w: DatabaseWorld, way: str) -> DatabaseWorld:
    """Its plan, for the real names and revisions."""
    made = (
        database_world(way=way)
        .plan.model_dump_json()
        .replace('"tables":["projects"]', '"tables":[]')
    )
    for old, new in ((PLANNED, NAME), (BEFORE[0], "r07c"), (AFTER[0], "r06")):
        made = made.replace(f'"{old}"', f'"{new}"')
    w.plan = Plan.model_validate_json(made)
    return w


def script(real: RealWorld, does: str) -> None:
    """What the way back does."""
    tool = real.w.ports.migrations
    assert isinstance(tool, HostAlembic)
    place = tool.project / "migrations/versions/r07c.py"
    place.write_text(SCRIPT.format(does=does))


def test_rows_that_a_failed_migration_committed_away_come_back(laid_out: RealWorld) -> None:
    """`COMMIT` in a script, then an error: doubt, not "failed"; the undo has all 300 files.

    The same script with nothing committed changes nothing, and its copy stays, named.
    """
    real, w = laid_out, laid_out.w
    before = real.counts()
    w.do("keep_copy")
    script(real, 'op.execute("DELETE FROM files"); op.execute("SELECT 1/0")')
    with pytest.raises(CommandFailedError):
        w.do("migrate_schema")
    assert w.step("migrate_schema").revert(w.before("migrate_schema")) == text("db.unchanged")
    stays = w.step("keep_copy").revert(w.before("keep_copy"))
    assert stays == text(COPY_STAYS, name=KEPT)

    script(real, 'op.execute("DELETE FROM files; COMMIT"); op.execute("SELECT 1/0")')
    with pytest.raises(InDoubtError) as doubt:
        w.do("migrate_schema")
    assert doubt.value.facts["tables"] == ("files 300 → 0",)
    for _ in range(2):
        w.revert("migrate_schema", "keep_copy")
    assert real.counts() == before
    assert real.counts(LEFT)["files"] == 0
    assert real.names() == {NAME, LEFT}


@pytest.fixture
def psql(laid_out: RealWorld) -> Iterator[Callable[[int], None]]:
    """Somebody who marks a project, and stays connected."""
    left: list[psycopg.Connection[Any]] = []

    def writes(number: int) -> None:
        link = psycopg.connect(laid_out.server.dsn(NAME), autocommit=True, application_name="psql")
        left.append(link)
        link.execute("UPDATE projects SET priority = %s WHERE id = %s", [number, number])

    yield writes
    for link in left:
        link.close()


def test_what_is_written_after_the_copy_is_copied_too(
    laid_out: RealWorld, psql: Callable[[int], None]
) -> None:
    """Behind the copy, and between it and the migration: told with names, and the undo has both.

    A reader and a look cost nothing.
    """
    real, w = laid_out, laid_out.w
    script(real, 'op.execute("UPDATE projects SET priority = 0")')
    real.meddled("clone", lambda: psql(1))
    said = w.do("keep_copy").detail
    assert said is not None
    assert (said.key, said.params["tables"]) == ("db.cloned_again", ("projects",))
    assert said.params["who"] == ("psql (samokoder, 127.0.0.1)",)
    made = real.created(KEPT)
    reader = psycopg.connect(real.server.dsn(NAME), autocommit=True)
    reader.execute("SELECT count(*) FROM projects")
    w.step("migrate_schema").capture()
    reader.close()
    assert real.created(KEPT) == made

    psql(2)
    said = w.do("migrate_schema").detail
    assert said is not None
    assert (said.key, said.params["tables"]) == ("db.migrated_again", ("projects",))
    assert (real.wrote(1), real.wrote(2)) == (0, 0)
    w.revert("migrate_schema", "keep_copy")
    assert (real.wrote(1), real.wrote(2)) == (1, 1)
    assert real.names() == {NAME, LEFT}


def test_who_does_not_stop_writing_is_named_and_nothing_is_migrated(
    laid_out: RealWorld, psql: Callable[[int], None]
) -> None:
    """Three copies, each late; then Retry goes on. The last moment counts too."""
    real, w = laid_out, laid_out.w
    script(real, 'op.execute("UPDATE projects SET priority = 0")')
    writes = [partial(psql, number) for number in (1, 2, 3)]
    real.meddled("clone", *writes)
    with pytest.raises(CheckFailedError) as failed:
        w.do("keep_copy")
    assert failed.value.key == "check.written_meanwhile"
    assert failed.value.facts["who"] == ("psql (samokoder, 127.0.0.1)",)
    w.do("keep_copy")
    assert (real.wrote(3), real.wrote(3, KEPT)) == (1, 1)

    w.capture("migrate_schema")
    real.server.query("TRUNCATE files", NAME)
    with pytest.raises(CheckFailedError) as failed:
        w.step("migrate_schema").apply()
    assert failed.value.key == "check.written_since_copy"
    assert failed.value.facts["tables"] == ("files",)
    assert real.database.revisions(NAME) == ("r07c",)


def test_a_dump_in_the_place_of_a_copy_has_what_was_written_meanwhile(
    laid_out: RealWorld, psql: Callable[[int], None], tmp_path: Path
) -> None:
    """It is made again under its name; there is one, and it has the row."""
    real = laid_out
    w = real.w = relaid(real.w, "dump")
    w.ports = replace(w.ports, backups=BackupFolder(tmp_path / "backups", w.ports.clock))
    (tmp_path / "backups").mkdir()
    real.meddled("dump", lambda: psql(1))
    said = w.do("keep_copy").detail
    assert said is not None
    assert (said.key, said.params["tables"]) == ("db.kept_dump_again", ("projects",))
    (kept,) = w.ports.folder.listed(NAME)
    real.server.create_database(KEPT)
    real.database.restore(w.ports.folder.path(kept.name), KEPT, LONG_S)
    assert real.wrote(1, KEPT) == 1


def test_a_type_that_was_changed_and_committed_is_half_way(laid_out: RealWorld) -> None:
    """Every name is as it was: the types are looked at, and a table that differs is named."""
    real, w = laid_out, laid_out.w
    w.do("keep_copy")
    script(
        real,
        'op.execute("ALTER TABLE files ALTER path TYPE varchar(200); COMMIT");'
        ' op.execute("SELECT 1/0")',
    )
    with pytest.raises(InDoubtError) as doubt:
        w.do("migrate_schema")
    assert doubt.value.facts["objects"] == ("~ table files",)
