"""What must hold across the runbook's words about a database. Pure: no files, no network."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from commands.domain.database_definition import Database, Maintenance
from commands.domain.runbook import Runbook
from commands.domain.text import Text, text


def database_problems(runbook: Runbook) -> Iterator[tuple[str, Text]]:
    """Path of a value, and what it must be (`wrong.*`)."""
    for name, environment in runbook.environments.items():
        if environment.database is not None:
            path = f"environments.{name}.database"
            yield from _services(runbook, name, environment.database, path)
            if environment.database.maintenance is not None:
                yield from _page(environment.database.maintenance, f"{path}.maintenance")


def _services(
    runbook: Runbook, environment: str, database: Database, path: str
) -> Iterator[tuple[str, Text]]:
    # Not `service_names`: a name that is no service is another rule's to tell.
    named = runbook.environments[environment].services or tuple(runbook.services)
    known = ((name, runbook.services.get(name)) for name in named)
    here = tuple(name for name, service in known if service and not service.stateful)
    for service in database.dependants:
        if service not in here:
            yield f"{path}.dependants", text("wrong.db_dependant", name=service, known=here)
    if len(set(database.dependants)) < len(database.dependants):
        yield f"{path}.dependants", text("wrong.db_repeats", values=database.dependants)
    migrates = database.migrations.service
    if migrates not in database.dependants:
        users = database.dependants
        yield f"{path}.migrations.service", text("wrong.db_migrates", name=migrates, known=users)
    server = runbook.services.get(database.service)
    if database.server == "compose" and (server is None or not server.stateful):
        stateful = tuple(n for n, s in runbook.services.items() if s.stateful)
        yield f"{path}.service", text("wrong.db_server", name=database.service, known=stateful)


def _page(page: Maintenance, path: str) -> Iterator[tuple[str, Text]]:
    if not page.file.startswith("/"):
        yield f"{path}.file", text("wrong.db_absolute", value=page.file)
    for field in ("public_url", "page_url"):
        url = getattr(page, field)
        parts = urlsplit(url)
        if (url or field == "public_url") and (
            parts.scheme not in ("http", "https") or not parts.netloc
        ):
            yield f"{path}.{field}", text("wrong.http_address")
        if parts.password:
            yield f"{path}.{field}", text("wrong.password")
    if page.proxy == "nginx" and not page.reload:
        yield f"{path}.reload", text("wrong.db_reload")
