"""What the database's fault cases share: a picture of production, and what goes wrong."""

from __future__ import annotations

import os
import subprocess
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg

from commands.domain.state import RollbackState
from commands.locale import say
from rollbot.demo.toml import dumps
from tests.engines.postgres_server import PostgresServer
from tests.integration.database_rollback import DatabaseRollback
from tests.stack.database import DatabaseStack
from tests.stack.database_runbook import database_runbook_for, maintenance_of
from tests.stack.proxies import Nginx, Traefik
from tests.stack.runbook_file import ENVIRONMENT
from workers import jobs

QUICK: Mapping[str, Any] = {"drain_s": 1, "lock_timeout_s": 1}
"""Limits of a test."""


@dataclass(frozen=True, slots=True)
class Picture:
    """All of production's database that a rollback could change, and which others there are."""

    revisions: list[str]
    counts: dict[str, int]
    indexes: list[tuple[object, ...]]
    columns: list[tuple[object, ...]]
    databases: list[str]


def picture(stack: DatabaseStack) -> Picture:
    """As it is now."""
    with psycopg.connect(stack.dsn) as link:
        indexes = link.execute(
            "SELECT tablename, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1, 2"
        ).fetchall()
        columns = link.execute(
            "SELECT table_name, column_name, data_type FROM information_schema.columns"
            " WHERE table_schema = 'public' ORDER BY 1, 2"
        ).fetchall()
    return Picture(stack.revisions(), stack.counts(), indexes, columns, stack.databases())


def said(state: RollbackState) -> str:
    """The reason as people read it."""
    assert state.reason is not None, state.status
    return say(state.reason, "en")


def runbook_with_smoke(
    stack: DatabaseStack,
    argv: tuple[str, ...],
    proxy: Traefik | Nginx | None = None,
    changes: Mapping[str, Any] = QUICK,
) -> str:
    """`database_runbook_for`, and a smoke check of the customer's own."""
    if proxy is not None:
        # v1.3.0 is ill to its health path and on its first page: an undo would wait for both.
        served = {"public_url": proxy.url("/projects"), "health_path": "/version"}
        changes = {**changes, "maintenance": maintenance_of(proxy) | served}
    runbook = tomllib.loads(database_runbook_for(stack, changes=changes, stable_s=0.5))
    check = {"title": {"ru": "дым", "en": "smoke test"}, "argv": list(argv)}
    runbook["environments"][ENVIRONMENT]["smoke"] = [check]
    return dumps(runbook)


@dataclass
class WithPrograms(DatabaseRollback):
    """A worker host whose PATH begins with a folder of its own."""

    programs: Path | None = None

    def host(self) -> jobs.Host:
        made = super().host()
        path = f"{self.programs}:{made.environment_variables['PATH']}"
        return replace(made, environment_variables=made.environment_variables | {"PATH": path})


@dataclass(frozen=True, slots=True)
class Wrapped:
    """The server's real client programs; before pg_dump stands a script that `fails` as told."""

    folder: Path

    @classmethod
    def of(cls, folder: Path, server: PostgresServer) -> Wrapped:
        folder.mkdir()
        for program in Path(server.programs).iterdir():
            if program.name != "pg_dump":
                (folder / program.name).symlink_to(program)
        real = f"{server.programs}/pg_dump"
        (folder / "pg_dump").write_text(_WRAPPER.format(real=real, how=folder / "how"))
        (folder / "pg_dump").chmod(0o755)
        return cls(folder)

    def fails(self, how: str) -> None:
        """`old`, `killed`, `cut` or `empty` (with exit code 0); "" for not at all."""
        (self.folder / "how").write_text(how)


_WRAPPER = """\
#!/bin/sh
case "$(cat {how}):$1" in
  old:--version) {real} --version | sed 's/PostgreSQL) [0-9]*/PostgreSQL) 14/' ;;
  *:--version) exec {real} --version ;;
  killed:*) {real} "$@" | head -c 3000; kill -9 $$ ;;
  cut:*) {real} "$@" | head -c 3000; exit 0 ;;
  empty:*) exit 0 ;;
  *) exec {real} "$@" ;;
esac
"""


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[None]:
    """A file system of that size (`14m`) on a folder, for as long as the block. Needs root."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def fill_with_noise(stack: DatabaseStack, mib: int) -> None:
    """Rows that no program compresses: a backup of them is as large as they are."""
    with psycopg.connect(stack.dsn, autocommit=True) as link:
        link.execute("CREATE TABLE noise (n int, said bytea)")
        link.execute("ALTER TABLE noise ALTER said SET STORAGE EXTERNAL")
        # A hundred rows of a page each, again and again.
        for n in range(mib):
            rows = [(n, os.urandom(8192)) for _ in range(128)]
            with link.cursor() as cursor:
                cursor.executemany("INSERT INTO noise VALUES (%s, %s)", rows)
