"""The engines of an environment's database: its server, backups, migration tool and proxy.

Apart from the other adapters, because only environments with a database need what this imports.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import SecretStr

from commands.database_settings import database_variable, scratch_variable
from commands.domain import naming
from commands.domain.database_definition import Database
from commands.domain.errors import SettingsError
from commands.domain.text import text
from commands.planner.pins import compose_name
from workers.adapters.alembic import AlembicTool
from workers.adapters.backups import BackupFolder
from workers.adapters.postgres.address import Address
from workers.adapters.postgres.building import in_compose
from workers.adapters.postgres.database import Postgres
from workers.adapters.postgres.programs import InContainer
from workers.adapters.proxy import proxy_of
from workers.adapters.surroundings import Surroundings
from workers.lease import Lease
from workers.steps.ports import Ports
from workers.turn import REHEARSAL, Turn

SURVEY = "rollbot survey"
GIB = 2**30
SCRIPTS = "migrations"
"""The folder, in the state directory, where answers of images about their scripts are kept."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """What the environment's variables say of its servers; None: the runbook alone."""

    database: SecretStr | None = None
    scratch: SecretStr | None = None


def with_database(
    ports: Ports,
    definition: Database,
    around: Surroundings,
    addresses: Addresses,
    state_dir: Path,
) -> Ports:
    """The same ports, with those of the database. Nothing is connected or read yet.

    An address that is missing or wrong is said (SettingsError) when somebody asks for the
    database: a service rollback needs none.
    """
    application = naming.application(ports.rollback_id) if ports.rollback_id else SURVEY
    production = _production(ports, definition, around, addresses.database, application)
    scratch = production
    if addresses.scratch is not None:
        where = _where(addresses.scratch, scratch_variable(ports.environment))
        scratch = Postgres(where, around, application, is_scratch=True)
    tool, page = definition.migrations, definition.maintenance
    language = ports.runbook.language
    return replace(
        ports,
        database=production,
        scratch=scratch,
        backups=BackupFolder(Path(definition.backups), ports.clock),
        migrations=AlembicTool(
            ports.containers,
            tool,
            compose_name(tool.service, ports.service(tool.service)),
            state_dir / SCRIPTS,
            ports.rollback_id,
            addresses.scratch,
            definition.rehearsal_cpus,
        ),
        turn=Turn(
            Lease(state_dir, f"{ports.environment}.{REHEARSAL}"), ports.rollback_id, around.held
        ).taken,
        proxy=proxy_of(page, ports.web, ports.programs, language) if page else None,
    )


def _production(
    ports: Ports,
    definition: Database,
    around: Surroundings,
    url: SecretStr | None,
    application: str,
) -> Postgres:
    where = _where(url, database_variable(ports.environment))
    if definition.server == "managed":
        disk_bytes = None if definition.disk_gib is None else round(definition.disk_gib * GIB)
        return Postgres(where, around, application, disk_bytes=disk_bytes)
    if url is None:
        return in_compose(definition, ports.containers, around, application)
    programs = InContainer(ports.containers, definition.service, around)
    return Postgres(where, around, application, programs)


def _where(url: SecretStr | None, variable: str) -> Callable[[], Address]:
    def address() -> Address:
        if url is None:
            raise SettingsError(variable, text("wrong.unset"))
        return Address.of_url(url.get_secret_value(), variable)

    return address
