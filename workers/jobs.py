"""What RQ calls, and the place where a worker host's adapters are built.

`prepare` runs in the worker, before it forks: the runbook is read and everything that needs no
connection is built there, so that a job process starts within milliseconds.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import structlog

from commands.database_settings import DatabaseSettings
from commands.domain.errors import EngineError, RollbotError
from commands.domain.runbook import Compose, Runbook
from commands.planner.plan import plan
from commands.ports import Clock, Containers, Web
from commands.store.opening import Access, Store, open_store
from commands.store.secret_values import secret_values
from workers import stopping
from workers.adapters.compose import DockerContainers, engine_of
from workers.adapters.config_files import FilesOnDisk
from workers.adapters.engine import Engine
from workers.adapters.git import GitHistory
from workers.adapters.process import EmbeddedContainers
from workers.adapters.programs import ProgramsOnHost
from workers.adapters.surroundings import Surroundings
from workers.adapters.web import HttpWeb
from workers.building import Builder
from workers.database_engines import Addresses, with_database
from workers.executor import Executor
from workers.lease import Lease
from workers.leaving import is_left, settle
from workers.letting_go import drop_kept, there_already
from workers.needing import needed_by
from workers.outcomes import tell
from workers.planning import Planning
from workers.steps.ports import Ports
from workers.surveying import surveyor_of

log = structlog.get_logger()

LEASE_PATIENCE_S = 30.0
"""How long a job waits for what a dead one left running; the bot calls again after that."""

JOURNAL_PATIENCE_S = 100.0
"""A rollback under way outlasts a restart of Redis; nobody waits for an answer meanwhile."""


@dataclass(frozen=True, slots=True)
class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """UTC, aware."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """What a worker host knows: its environment, its runbook, how to open the journal.

    `read_runbook` is asked at every job, so that a changed role or limit counts at once;
    `environment_variables` is what a child process may see. `web` is
    made once: reading the machine's certificates takes longer than everything else before a step.
    """

    access: Access
    read_runbook: Callable[[], Runbook]
    environment_variables: dict[str, str]
    clock: Clock
    web: Web = field(default_factory=HttpWeb)
    addresses: Addresses = field(default_factory=Addresses)
    engines: dict[Compose, Engine] = field(default_factory=dict)

    def engine(self, compose: Compose) -> Engine:
        """The engine of a Compose project, always the same object."""
        if compose not in self.engines:
            self.engines[compose] = engine_of(compose, self.environment_variables)
        return self.engines[compose]

    @property
    def environment(self) -> str:
        """The environment's name."""
        return self.access.environment


def addresses_of(settings: DatabaseSettings, environment: str) -> Addresses:
    """What the settings say of an environment's database servers."""
    return Addresses(settings.database_url(environment), settings.scratch_url(environment))


@dataclass(frozen=True, slots=True)
class Prepared:
    """A host with its memory opened."""

    host: Host
    store: Store


_prepared: list[Prepared] = []


def prepare(host: Host) -> None:
    """Remember what the job processes forked from here work with."""
    store = open_store(host.access, JOURNAL_PATIENCE_S, mirrored=True)
    _prepared[:] = [Prepared(host, store)]


def warm() -> None:
    """Do in the worker, between jobs, what every forked one would begin with.

    Fold what is open, so that it reads only what came since, and agree with the engine on the
    API's version. Raises store errors.
    """
    host, book = _prepared[0].host, _prepared[0].store.book
    compose = host.read_runbook().environments[host.environment].compose
    if compose.generation != "embedded":
        with suppress(EngineError):  # A job that needs the engine says that it is away.
            host.engine(compose).introduce()
    for name in tuple(book.environment().open):
        book.rollback(name)


def drive(rollback_id: str) -> None:
    """The one job: drive a rollback until people, or time, must act first. Safe to repeat.

    Raises LeaseHeldError when something still runs here, and store errors: the journal has
    everything, and the bot calls again.
    """
    host, store = _prepared[0].host, _prepared[0].store
    lease = Lease(host.access.state_dir, host.environment)
    with lease.acquire(LEASE_PATIENCE_S, holder=rollback_id) as held:
        executor = assemble(host, store, rollback_id, held.fd)
        executor.drive(rollback_id)


def assemble(host: Host, store: Store, rollback_id: str, lease_fd: int | None) -> Executor:
    """Build the adapters and the executor of one job. The lease is held by the caller."""
    runbook = host.read_runbook()
    ports = open_ports(host, runbook, rollback_id, lease_fd)
    planning = Planning(
        survey=surveyor_of(ports).survey,
        planner=plan,
        runbook=runbook,
        clock=host.clock,
        redact=host.access.redactor().data,
        claimed=partial(there_already, ports),
    )
    doing = replace(
        ports,
        skipped=lambda: is_left(store.book.rollback(rollback_id)),
        told=lambda item: tell(store.book, rollback_id, item),
        needed=lambda: needed_by(store.book),
    )
    return Executor(
        book=store.book,
        witness=store.witness,
        planning=planning,
        build=Builder(doing),
        clock=host.clock,
        stopping=stopping.after_step_requested,
        settle=lambda: settle(ports, store.book.rollback(rollback_id)),
        drop_kept=partial(drop_kept, ports),
    )


def open_ports(
    host: Host, runbook: Runbook, rollback_id: str, lease_fd: int | None = None
) -> Ports:
    """The engines of the host's environment; nothing is connected yet."""
    definition = runbook.environments[host.environment]
    files = FilesOnDisk(Path(definition.compose.directory))
    _learn_secrets(host, runbook, files)
    around = Surroundings(
        environment=host.environment_variables,
        lease_fd=lease_fd,
        redact=host.access.redactor().text,
    )
    containers: Containers
    if definition.compose.generation == "embedded":
        containers = EmbeddedContainers(definition.compose, around)
    else:
        containers = DockerContainers(definition.compose, around, host.engine(definition.compose))
    ports = Ports(
        containers=containers,
        files=files,
        web=host.web,
        programs=ProgramsOnHost(around),
        history=GitHistory(definition.repository, around),
        clock=host.clock,
        runbook=runbook,
        environment=host.environment,
        rollback_id=rollback_id,
    )
    database = definition.database
    if database is None:
        return ports
    return with_database(ports, database, around, host.addresses, host.access.state_dir)


def _learn_secrets(host: Host, runbook: Runbook, files: FilesOnDisk) -> None:
    """Have journal, output and logs know the project's secrets by value, before anything runs."""
    try:
        values = files.values(runbook.environments[host.environment].compose.env_file)
    except RollbotError as error:
        # The survey reads the same file, and says to people what is wrong with it.
        log.warning("env_file_not_read", why=str(error))
        return
    pins = {service.version_variable for service in runbook.services.values()}
    host.access.known.register(*secret_values(values, pins, runbook.model_dump_json()))
