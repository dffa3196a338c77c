"""The engines of an environment's database: its server, backups, migration tool and proxy.

Apart from the other adapters, because only environments with a database need what this imports.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import SecretStr

from commands.database_settings import database_variable, scratch_variable
from commands.domain import naming
from commands.domain.database_definition import Database
from commands.domain.errors import SettingsError
from workers.adapters.backups import BackupFolder
from workers.adapters.postgres.address import Address
from workers.adapters.postgres.building import in_compose, managed
from workers.adapters.postgres.database import Postgres
from workers.adapters.proxy import proxy_of
from workers.adapters.surroundings import Surroundings
from workers.steps.ports import Ports

SURVEY = "rollbot survey"


@dataclass(frozen=True, slots=True)
class Addresses:
    """What the environment's variables say of its servers; None: the runbook alone."""

    database: SecretStr | None = None
    scratch: SecretStr | None = None


def with_database(
    ports: Ports, definition: Database, around: Surroundings, addresses: Addresses
) -> Ports:
    """The same ports, with those of the database. Nothing is connected or read yet."""
    application = naming.application(ports.rollback_id) if ports.rollback_id else SURVEY
    production = _production(ports, definition, around, addresses.database, application)
    scratch = production
    if addresses.scratch is not None:
        url, variable = addresses.scratch.get_secret_value(), scratch_variable(ports.environment)
        scratch = managed(url, variable, around, application, is_scratch=True)
    page, language = definition.maintenance, ports.runbook.language
    return replace(
        ports,
        database=production,
        scratch=scratch,
        backups=BackupFolder(Path(definition.backups), ports.clock),
        proxy=proxy_of(page, ports.web, ports.programs, language) if page else None,
    )


def _production(
    ports: Ports,
    definition: Database,
    around: Surroundings,
    url: SecretStr | None,
    application: str,
) -> Postgres:
    variable = database_variable(ports.environment)
    given = Address.of_url(url.get_secret_value(), variable) if url else None
    if definition.server == "compose":
        return in_compose(definition, ports.containers, around, application, given)

    def where() -> Address:
        if given is None:
            # Said when somebody asks for the database: a service rollback needs none.
            raise SettingsError(variable, "is not set; the runbook calls its server managed")
        return given

    return Postgres(where, around, application)
