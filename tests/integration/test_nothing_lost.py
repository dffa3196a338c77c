"""Rows that a migration, or somebody else, would lose: by the steps, on PostgreSQL and Alembic."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from commands.domain.database import Revision, ScriptGraph
from commands.domain.errors import CommandFailedError, InDoubtError
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


@dataclass(slots=True)
class RealWorld:
    """The steps' world, its production a database on a real server."""

    w: DatabaseWorld
    server: PostgresServer
    database: Postgres

    def counts(self, name: str = NAME) -> dict[str, int]:
        return dict(self.database.counts(name, LONG_S))

    def names(self) -> set[str]:
        found = self.server.query("SELECT datname FROM pg_database")
        return {str(name) for (name,) in found if str(name).startswith(NAME)}


@pytest.fixture
def laid_out(postgres_server: PostgresServer, tmp_path: Path) -> Iterator[RealWorld]:
    """v1.3.0 with rows, and a migration after it whose way back a test writes."""
    dsn = postgres_server.create_database(NAME)
    migrate(tmp_path, dsn, "v1.3.0")
    seed(dsn)
    w = database_world()
    database = port(postgres_server)
    renamed = w.plan.model_dump_json()
    for old, new in ((PLANNED, NAME), (BEFORE[0], "r07c"), (AFTER[0], "r06")):
        renamed = renamed.replace(f'"{old}"', f'"{new}"')
    w.plan = Plan.model_validate_json(renamed)
    tool = HostAlembic(lay_out(tmp_path, "v1.3.0"), dsn)
    w.ports = replace(w.ports, database=database, migrations=tool)
    postgres_server.query("UPDATE alembic_version SET version_num = 'r07c'", NAME)
    real = RealWorld(w, postgres_server, database)
    yield real
    for name in real.names():
        postgres_server.drop_database(name)


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
