"""What steps work with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from commands.database_ports import Backups, Database, MigrationTool, Proxy, Skipped
from commands.domain.database_definition import Database as DatabaseDefinition
from commands.domain.errors import RunbookError
from commands.domain.plan import Evidence, EvidenceItem
from commands.domain.runbook import Compose, EnvironmentDefinition, Runbook, ServiceDefinition
from commands.domain.text import Text, text
from commands.ports import Clock, ConfigFiles, Containers, History, Programs, Web

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Known:
    """What the journal knows of the steps so far, by number: for those that build on others.

    `captured` are the first captured states, `attempts` how often each was begun, `said` what
    each said for itself when it was done.
    """

    captured: Mapping[int, Mapping[str, str]] = field(default_factory=dict)
    attempts: Mapping[int, int] = field(default_factory=dict)
    said: Mapping[int, Text] = field(default_factory=dict)
    evidence: Evidence = field(default_factory=Evidence)


def _never() -> bool:
    return False


def _unheard(item: EvidenceItem) -> None:
    """Nobody listens."""


@contextmanager
def _at_once(within_s: float, left: Skipped, told: Told) -> Iterator[bool]:
    """Nobody else is at work here."""
    del within_s, left, told
    yield True


Told = Callable[[EvidenceItem], None]
"""Tells people of something while a step is still at work."""

Needed = Callable[[], Sequence[str]]
"""The backups that must stay, by name. Raises RollbotError when that cannot be told."""

Turn = Callable[[float, Skipped, Told], AbstractContextManager[bool]]
"""`workers.turn.Turn.taken`."""


@dataclass(frozen=True, slots=True)
class Ports:
    """The engines of one rollback's environment, and what the steps must know of the rollback.

    `changed_at` is when the first switch was done (None before it). `brought` are the
    (repository, version) pairs that this rollback's own pulls brought here: only these may be
    removed again (a target that was kept here before must survive, H19). `scratch` is the server
    for proofs and rehearsals: one of its own, or production's; one of those is at work at a time,
    by `turn`. Without `needed` no backup is let go. Those of the database are None
    when the runbook names none; steps ask by the properties, which raise RunbookError then.
    """

    containers: Containers
    files: ConfigFiles
    web: Web
    programs: Programs
    history: History
    clock: Clock
    runbook: Runbook
    environment: str
    rollback_id: str
    changed_at: datetime | None = None
    brought: frozenset[tuple[str, str]] = frozenset()
    known: Known = field(default_factory=Known)
    database: Database | None = None
    scratch: Database | None = None
    backups: Backups | None = None
    migrations: MigrationTool | None = None
    proxy: Proxy | None = None
    skipped: Skipped = _never
    told: Told = _unheard
    turn: Turn = _at_once
    needed: Needed | None = None

    @property
    def definition(self) -> EnvironmentDefinition:
        """The environment as the runbook has it."""
        return self.runbook.environments[self.environment]

    @property
    def compose(self) -> Compose:
        """Its Compose project."""
        return self.definition.compose

    def service(self, name: str) -> ServiceDefinition:
        """A service as the runbook has it."""
        return self.runbook.services[name]

    @property
    def limits(self) -> DatabaseDefinition:
        """The database as the runbook has it."""
        return self._named(self.definition.database)

    @property
    def production(self) -> Database:
        """The server that holds production's database."""
        return self._named(self.database)

    @property
    def rehearsals(self) -> Database:
        """The server that scratch copies are made on."""
        return self._named(self.scratch)

    @property
    def folder(self) -> Backups:
        """The folder of backups."""
        return self._named(self.backups)

    @property
    def tool(self) -> MigrationTool:
        """The migration tool in a service's image."""
        return self._named(self.migrations)

    @property
    def page(self) -> Proxy:
        """The proxy that shows the maintenance page."""
        return self._named(self.proxy, ".maintenance")

    def my_turn(self, within_s: float, left: Skipped = _never) -> AbstractContextManager[bool]:
        """Wait for the turn and hold it; False when `left` said so. Raises LeaseHeldError."""
        return self.turn(within_s, left, self.told)

    def _named(self, port: T | None, part: str = "") -> T:
        if port is None:
            path = f"environments.{self.environment}.database{part}"
            raise RunbookError(path, text("wrong.gone"))
        return port
