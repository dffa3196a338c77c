"""What steps work with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from commands.domain.runbook import Compose, EnvironmentDefinition, Runbook, ServiceDefinition
from commands.ports import Clock, ConfigFiles, Containers, History, Programs, Web


@dataclass(frozen=True, slots=True)
class Ports:
    """The engines of one rollback's environment, and what the steps must know of the rollback.

    `changed_at` is when the first switch was done (None before it). `brought` are the
    (repository, version) pairs that this rollback's own pulls brought here: only these may be
    removed again (a target that was kept here before must survive, H19).
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
