"""What a migration destroys, read from the SQL that Alembic prints."""

from __future__ import annotations

from pathlib import Path

import pytest

from commands.planner.losses import losses_of
from tests.stack.schema import alembic, lay_out


def lost(sql: str) -> list[str]:
    return [f"{one.what} {one.name}" for one in losses_of(sql).known]


def test_what_alembic_prints_is_read(tmp_path: Path) -> None:
    """The broken release's way back, and one with an enum, a data migration and autocommit."""
    project = lay_out(tmp_path, "v1.3.0")

    def printed(span: str) -> str:
        return alembic(project, "postgresql://nowhere/samokoder", "downgrade", span, "--sql")

    found = losses_of(printed("r06:r05"))
    assert [f"{one.what} {one.name}" for one in found.known] == [
        "table project_tags", "index ix_projects_priority",
        "column projects.priority", "column projects.description",
    ]  # fmt: skip
    assert found.unread == ()
    assert lost(printed("r04:r01")) == [
        "index ix_files_path", "rows files", "table events", "column files.size_bytes",
        "column projects.status", "type project_status",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("sql", "named"),
    [
        ('DROP TABLE public."Odd", b.inv', ["table Odd", "table b.inv"]),
        ("INSERT INTO tags SELECT 1 ON CONFLICT (id) DO UPDATE SET n = 2", ["rows tags"]),
        ("DROP INDEX CONCURRENTLY IF EXISTS ix_a", ["index ix_a"]),
        ("ALTER TABLE a DROP COLUMN b, DROP CONSTRAINT c", ["column a.b", "constraint a.c"]),
        ("DROP MATERIALIZED VIEW mv; DROP VIEW v; DROP SEQUENCE s",
         ["view mv", "view v", "sequence s"]),
        ("TRUNCATE events; DELETE FROM files WHERE id > 3", ["rows events", "rows files"]),
        ("WITH d AS (DELETE FROM users RETURNING id) SELECT * FROM d", ["rows users"]),
        ("ALTER TABLE f ALTER COLUMN s TYPE INTEGER USING s::int", ["rows f"]),
        ("ALTER TABLE t DROP COLUMN a; DROP TABLE t", ["table t"]),
        ("UPDATE alembic_version SET version_num='r05'; DROP TABLE alembic_version", []),
    ],
)  # fmt: skip
def test_what_goes_is_named(sql: str, named: list[str]) -> None:
    """Tables, columns, indexes and the rest; a dropped table's own columns are not told twice."""
    assert lost(sql) == named
    assert losses_of(sql).unread == ()


@pytest.mark.parametrize(
    "sql",
    [
        "BEGIN; COMMIT; SET lock_timeout = '5s'",
        "COMMENT ON TABLE users IS NULL",
        "ALTER TABLE a ADD COLUMN b INT; ALTER TABLE a RENAME COLUMN b TO c",
        "ALTER TABLE a ALTER COLUMN b DROP NOT NULL; ALTER TABLE a ADD CONSTRAINT x CHECK (b > 0)",
        "CREATE INDEX CONCURRENTLY x ON t (a); INSERT INTO t VALUES (1); SELECT pg_sleep(20)",
        "INSERT INTO t SELECT 1 ON CONFLICT DO NOTHING; SELECT pg_catalog.setval('s', 7)",
    ],
)
def test_what_takes_nothing_away_is_no_loss(sql: str) -> None:
    """Nor is it called unreadable."""
    assert (lost(sql), losses_of(sql).unread) == ([], ())


def test_what_cannot_be_read_is_said_and_hides_nothing() -> None:
    """A block of code, a cascade over a schema, words that are no SQL: the rest is still read."""
    sql = "DO $$ BEGIN PERFORM 1; END $$; DROP SCHEMA old CASCADE; this is not sql; DROP TABLE t"
    found = losses_of(sql)
    assert [one.name for one in found.known] == ["t"]
    assert found.unread == (
        "DO $$ BEGIN PERFORM 1; END $$", "DROP SCHEMA old CASCADE", "this is not sql",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("sql", "named"),
    [
        ("DROP TYPE mood CASCADE", ["type mood"]),
        ("TRUNCATE users CASCADE", ["rows users"]),
        ("DROP TABLE tags CASCADE", ["table tags"]),
        ("ALTER TABLE a DROP COLUMN b CASCADE", ["column a.b"]),
        ("SELECT ops.purge(3)", []),
        ("INSERT INTO log SELECT purge()", []),
        ("SELECT * FROM purge()", []),
    ],
)
def test_what_takes_more_with_it_than_it_names_is_said(sql: str, named: list[str]) -> None:
    """A cascade goes on by the catalogue, a function does what it likes: neither stands here."""
    assert (lost(sql), losses_of(sql).unread) == (named, (sql,))
