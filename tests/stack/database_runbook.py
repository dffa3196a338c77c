"""The runbook of a project with a real database: what `runbook_for` writes, and the database."""

import tomllib
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from rollbot.demo.toml import dumps
from tests.stack.database import NAME, DatabaseStack
from tests.stack.proxies import Nginx, Traefik
from tests.stack.runbook_file import ENVIRONMENT, NOBODY, runbook_for
from workers.adapters import notes

NOTHING: Mapping[str, Any] = {}
CRITICAL_TABLES = ["users", "projects", "files"]


def database_runbook_for(
    stack: DatabaseStack,
    logins: Mapping[str, str] = NOBODY,
    /,
    *,
    proxy: Traefik | Nginx | None = None,
    changes: Mapping[str, Any] = NOTHING,
    **timing: float,
) -> str:
    """Return the text of a runbook.toml whose environment has this stack's database.

    Backups lie in `backups_of(stack)`. With a `proxy` there is a maintenance page. `changes`
    replace keys of `[environments.production.database]`; the rest is as in `runbook_for`.
    """
    runbook = tomllib.loads(runbook_for(stack, logins, **timing))
    database: dict[str, Any] = {
        "name": NAME,
        "server": "managed" if stack.managed else "compose",
        "backups": str(backups_of(stack)),
        "critical_tables": CRITICAL_TABLES,
        "migrations": {"service": "api"},
    }
    if proxy is not None:
        database["maintenance"] = maintenance_of(proxy)
    runbook["environments"][ENVIRONMENT]["database"] = database | dict(changes)
    return dumps(runbook)


def backups_of(stack: DatabaseStack) -> Path:
    """The folder of the stack's backups; it is there."""
    folder = stack.directory.parent / f"backups-{stack.name}"
    folder.mkdir(exist_ok=True)
    return folder


def older_copy(file: Path, days: int) -> Path:
    """The same backup as if it had been taken so many days earlier, and proven by nobody."""
    record = notes.read(file)
    assert record is not None, file
    then = record.taken_at - timedelta(days=days)
    copy = file.with_name(notes.name_for(record.database, then, "older"))
    copy.write_bytes(file.read_bytes())
    changes = {"name": copy.name, "taken_at": then, "proven_at": None}
    notes.write(copy, record.model_copy(update=changes))
    return copy


def maintenance_of(proxy: Traefik | Nginx) -> dict[str, Any]:
    """The runbook's words about a proxy of ours."""
    told = {"public_url": proxy.url("/"), "seen_within_s": 10}
    if isinstance(proxy, Traefik):
        return told | {"proxy": "traefik", "file": str(proxy.routes / "maintenance.yml")}
    snippet = str(proxy.snippets / "maintenance.conf")
    return told | {"proxy": "nginx", "file": snippet, "reload": list(proxy.reload_argv)}
