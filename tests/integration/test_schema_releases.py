"""The stand-in's migrations are as awkward as their names say."""

import warnings
from pathlib import Path

import psycopg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from tests.stack.schema import (
    HEADS,
    RELEASED,
    alembic,
    columns,
    counts,
    lay_out,
    migrate,
    revisions,
    seed,
)

pytestmark = pytest.mark.engine("postgresql")


@pytest.mark.parametrize("tag", [tag for tag in RELEASED if tag != "v1.4.0-dangling"])
def test_heads_of_a_release(tag: str, tmp_path: Path) -> None:
    """Alembic itself finds the heads that the table of releases names."""
    config = Config(lay_out(tmp_path, tag) / "alembic.ini")
    assert tuple(sorted(ScriptDirectory.from_config(config).get_heads())) == HEADS[tag]


def test_dangling_reference(tmp_path: Path) -> None:
    """The dangling release has a revision that follows a file which is not there."""
    config = Config(lay_out(tmp_path, "v1.4.0-dangling") / "alembic.ini")
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        with pytest.raises(KeyError, match="r06x"):
            ScriptDirectory.from_config(config).get_heads()
    assert any("r06x" in str(warning.message) for warning in said)


def test_up_and_all_the_way_down(database: str, tmp_path: Path) -> None:
    """Every migration of the merged release runs on rows, both ways, and leaves nothing."""
    migrate(tmp_path, database, "v1.2.2")
    seed(database)
    migrate(tmp_path, database, "v1.4.0")
    seed(database, users=1, projects=10)
    assert revisions(database) == ["r08"]
    tables = ["events", "files", "invoices", "project_tags", "projects", "users"]
    assert list(counts(database)) == tables
    assert counts(database)["projects"] == 110
    alembic(tmp_path / "alembic-v1.4.0", database, "downgrade", "base")
    assert counts(database) == {}


def test_what_can_be_seen_offline(database: str, tmp_path: Path) -> None:
    """The SQL of r06's way back can be printed without a database; that of r05 cannot."""
    project = lay_out(tmp_path, "v1.3.0")
    assert "DROP COLUMN description" in alembic(project, database, "downgrade", "r06:r05", "--sql")
    assert "CONCURRENTLY" in alembic(project, database, "downgrade", "r04:r03", "--sql")
    with pytest.raises(AssertionError, match="'NoneType' object has no attribute 'all'"):
        alembic(project, database, "downgrade", "r05:r04", "--sql")


def test_older_code_cannot_write(database: str, tmp_path: Path) -> None:
    """After r06 a project cannot be written as the release before it does."""
    migrate(tmp_path, database, "v1.3.0")
    seed(database)
    with psycopg.connect(database) as link, pytest.raises(psycopg.errors.NotNullViolation):
        link.execute("INSERT INTO projects (owner_id, title) VALUES (1, 'as v1.2.2 writes it')")


def test_irreversible_and_half_way(database: str, tmp_path: Path) -> None:
    """One way back refuses; another fails with its first step done and the revision unmoved."""
    migrate(tmp_path, database, "v1.3.0")
    seed(database)
    halfway = lay_out(tmp_path, "v1.4.0-halfway")
    alembic(halfway, database, "upgrade", "head")
    with pytest.raises(AssertionError, match="CheckViolation"):
        alembic(halfway, database, "downgrade", "-1")
    assert revisions(database) == ["r07h"]
    with psycopg.connect(database) as link:
        assert link.execute("SELECT to_regclass('ix_projects_title')").fetchone() == (None,)
        link.execute("UPDATE alembic_version SET version_num = 'r06'")
    migrate(tmp_path, database, "v1.4.0-irreversible")
    with pytest.raises(AssertionError, match="NotImplementedError: the events are gone"):
        alembic(tmp_path / "alembic-v1.4.0-irreversible", database, "downgrade", "-1")
    assert "description" in columns(database, "projects")
