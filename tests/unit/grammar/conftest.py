"""Runbooks that words are read against."""

from __future__ import annotations

import pytest

from commands.domain.database_definition import Database
from commands.domain.runbook import Runbook
from commands.runbook import parse_runbook, shipped_runbook


@pytest.fixture(scope="session")
def with_database() -> Runbook:
    """Samokoder's; api and worker use its database."""
    return database_added(parse_runbook(shipped_runbook()))


@pytest.fixture(scope="session")
def without_database() -> Runbook:
    """Samokoder's, before anybody wrote the database into it."""
    shipped = parse_runbook(shipped_runbook())
    production = shipped.environments["production"].model_copy(update={"database": None})
    return shipped.model_copy(update={"environments": {"production": production}})


def database_added(runbook: Runbook) -> Runbook:
    """The same with a database in production, whatever it had."""
    database = Database(name="samokoder", backups="/var/backups/samokoder/postgres")
    production = runbook.environments["production"].model_copy(update={"database": database})
    return runbook.model_copy(update={"environments": {"production": production}})
