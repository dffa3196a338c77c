"""Samokoder's migrations as data: which release carries which files, and what each brings about."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from unittest.mock import patch

import psycopg
from alembic import command
from alembic.config import Config
from psycopg import sql

MIGRATIONS = Path(__file__).with_name("migrations")
_UP_TO_R05 = (
    "r01_users_projects_files",
    "r02_status_and_events",
    "r03_sizes_of_files",
    "r04_index_of_paths",
    "r05_handles",
)
_UP_TO_R06 = (*_UP_TO_R05, "r06_descriptions")
_BRANCHES = (*_UP_TO_R06, "r07a_invoices", "r07b_last_login")

RELEASED: Mapping[str, tuple[str, ...]] = {
    "v1.2.1": _UP_TO_R05[:4],
    "v1.2.2": _UP_TO_R05,
    "v1.2.3": _UP_TO_R05,
    "v1.3.0": _UP_TO_R06,
    "v1.4.0": (*_BRANCHES, "r08_merge"),
    "v1.4.0-heads": _BRANCHES,
    "v1.4.0-dangling": (*_UP_TO_R06, "r07_dangling"),
    "v1.4.0-irreversible": (*_UP_TO_R06, "r07_irreversible"),
    "v1.4.0-empty": (*_UP_TO_R06, "r07_empty"),
    "v1.4.0-halfway": (*_UP_TO_R06, "r07_halfway"),
    "v1.4.0-slow": (*_UP_TO_R06, "r07_slow"),
}
"""Tag of a release -> the migrations in its image.

`v1.3.0` broke production by `r06`: the code before it can read projects but write none. `r04` is
autocommit, `r05` reads rows and so has no offline SQL, `v1.4.0` is a branch and its merge; the
others are what their names say.
"""

HEADS: Mapping[str, tuple[str, ...]] = {
    "v1.2.1": ("r04",),
    "v1.2.2": ("r05",),
    "v1.2.3": ("r05",),
    "v1.3.0": ("r06",),
    "v1.4.0": ("r08",),
    "v1.4.0-heads": ("r07a", "r07b"),
    "v1.4.0-dangling": ("r06", "r07d"),
    "v1.4.0-irreversible": ("r07i",),
    "v1.4.0-empty": ("r07e",),
    "v1.4.0-halfway": ("r07h",),
    "v1.4.0-slow": ("r07s",),
}
"""Tag of a release -> the heads of its graph."""


def columns_written_by(tag: str) -> str:
    """The columns of `projects` that the code of a release reads and writes."""
    return "title,description" if "r06_descriptions" in RELEASED[tag] else "title"


def files_of(tag: str) -> dict[str, bytes]:
    """The Alembic project of a release: path below its working folder -> content."""
    named = {
        "alembic.ini": MIGRATIONS / "alembic.ini",
        "migrations/env.py": MIGRATIONS / "env.py",
    }
    named |= {
        f"migrations/versions/{name}.py": MIGRATIONS / "versions" / f"{name}.py"
        for name in RELEASED[tag]
    }
    return {place: path.read_bytes() for place, path in named.items()}


def lay_out(directory: Path, tag: str) -> Path:
    """Write the Alembic project of a release into a new folder below this one; return it."""
    project = directory / f"alembic-{tag}"
    if project.exists():
        shutil.rmtree(project)
    for place, content in files_of(tag).items():
        path = project / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return project


def alembic(project: Path, dsn: str, *arguments: str) -> str:
    """Run the real program in a laid-out project (0.7 s); return what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "alembic", *arguments],
        cwd=project,
        env={"PATH": os.environ["PATH"], "DATABASE_URL": dsn},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"alembic {arguments} ended with {done.returncode}:\n{done.stderr}"
    return done.stdout


def migrate(directory: Path, dsn: str, tag: str, revision: str = "heads") -> None:
    """Bring a database up to a revision with the migrations of a release, from the host.

    By Alembic in this process: 0.2 s, the first time 0.6 s.
    """
    config = Config()
    config.set_main_option("script_location", str(lay_out(directory, tag) / "migrations"))
    config.set_main_option("path_separator", "os")
    with patch.dict(os.environ, {"DATABASE_URL": dsn}):
        command.upgrade(config, revision)


def seed(dsn: str, *, users: int = 20, projects: int = 100, files: int = 300) -> None:
    """Add rows to a migrated database, whatever its revision; keys come from the sequences.

    `content` of a file is 256 bytes: 4,000,000 files make a database of about 1.3 GB in a minute.
    """
    with psycopg.connect(dsn) as link:
        described = "description" in _columns(link, "projects")
        link.execute(_USERS, {"rows": users})
        link.execute(_DESCRIBED_PROJECTS if described else _PROJECTS, {"rows": projects})
        link.execute(_FILES, {"rows": files})
        if "handle" in _columns(link, "users"):
            link.execute("UPDATE users SET handle = lower(name) WHERE handle IS NULL")


def revisions(dsn: str) -> list[str]:
    """What `alembic_version` says; empty when there is no such table."""
    with psycopg.connect(dsn) as link:
        if link.execute("SELECT to_regclass('alembic_version')").fetchone() == (None,):
            return []
        rows = link.execute("SELECT version_num FROM alembic_version ORDER BY 1").fetchall()
    return [str(row[0]) for row in rows]


def counts(dsn: str) -> dict[str, int]:
    """Table of the schema `public` -> its rows, counted; `alembic_version` is left out."""
    with psycopg.connect(dsn) as link:
        found = link.execute(_TABLES).fetchall()
        return {str(name): _count(link, str(name)) for (name,) in found}


def columns(dsn: str, table: str) -> list[str]:
    """The table's columns in order; empty when there is no such table."""
    with psycopg.connect(dsn) as link:
        return _columns(link, table)


_TABLES = """
    SELECT tablename FROM pg_tables
    WHERE schemaname = 'public' AND tablename <> 'alembic_version' ORDER BY tablename
"""
_USERS = """
    INSERT INTO users (email, name)
    SELECT format('%%s-%%s@samokoder.test', n, gen_random_uuid()), format('User %%s', n)
    FROM generate_series(1, %(rows)s) AS n
"""
_PROJECTS = """
    INSERT INTO projects (owner_id, title)
    SELECT (SELECT min(id) FROM users) + n %% (SELECT count(*) FROM users), format('Project %%s', n)
    FROM generate_series(1, %(rows)s) AS n
"""
_DESCRIBED_PROJECTS = """
    INSERT INTO projects (owner_id, title, description)
    SELECT (SELECT min(id) FROM users) + n %% (SELECT count(*) FROM users),
           format('Project %%s', n), format('What project %%s is about', n)
    FROM generate_series(1, %(rows)s) AS n
"""
_FILES = """
    INSERT INTO files (project_id, path, content)
    SELECT (SELECT min(id) FROM projects) + n %% (SELECT count(*) FROM projects),
           format('src/file_%%s.py', n), repeat(md5(n::text), 8)
    FROM generate_series(1, %(rows)s) AS n
"""


def _columns(link: psycopg.Connection[tuple[object, ...]], table: str) -> list[str]:
    asked = """
        SELECT column_name FROM information_schema.columns
        WHERE table_schema = 'public' AND table_name = %s ORDER BY ordinal_position
    """
    return [str(row[0]) for row in link.execute(asked, [table]).fetchall()]


def _count(link: psycopg.Connection[tuple[object, ...]], table: str) -> int:
    counted = link.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table)))
    row = counted.fetchone()
    assert row is not None
    return int(str(row[0]))
