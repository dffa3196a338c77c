"""A server's `Database`, from what the runbook and the environment say."""

from __future__ import annotations

from commands.domain.database_definition import Database
from commands.domain.errors import DatabaseUnavailableError
from commands.ports import Containers
from workers.adapters.postgres.address import Address
from workers.adapters.postgres.database import Postgres
from workers.adapters.postgres.programs import InContainer
from workers.adapters.surroundings import Surroundings


def managed(
    url: str,
    variable: str,
    surroundings: Surroundings,
    application: str,
    *,
    is_scratch: bool = False,
) -> Postgres:
    """A server by its address; its client programs are this host's.

    `variable` names the setting that holds the address. Raises SettingsError.
    """
    address = Address.of_url(url, variable)
    return Postgres(lambda: address, surroundings, application, is_scratch=is_scratch)


def in_compose(
    definition: Database,
    containers: Containers,
    surroundings: Surroundings,
    application: str,
    given: Address | None = None,
) -> Postgres:
    """A service of the Compose project; its client programs are those of its own container.

    The role is the runbook's, else that of the container's POSTGRES_USER, and its password
    POSTGRES_PASSWORD's there. `given` goes before all that: where a secret's file holds it.
    """
    service = definition.service

    def where() -> Address:
        if given is not None:
            return given
        host = containers.address(service)
        if host is None:
            raise DatabaseUnavailableError(database=definition.name, why=f"{service} does not run")
        user = definition.user or containers.variable(service, "POSTGRES_USER") or "postgres"
        password = containers.variable(service, "POSTGRES_PASSWORD") or ""
        return Address({"host": host, "port": "5432", "user": user, "password": password})

    programs = InContainer(containers, service, surroundings)
    return Postgres(where, surroundings, application, programs)
