"""One run of the migration tool, as data: which image, which words, from where to where."""

from __future__ import annotations

from dataclasses import dataclass

from commands.domain.database import RevisionId, ScriptGraph
from commands.domain.database_definition import Database
from commands.domain.fact import ImageDigest
from commands.domain.plan import CommandLine, Migration
from commands.domain.runbook import Compose, Runbook
from commands.planner import argv
from commands.planner.graph import Walk
from commands.planner.pins import compose_name


@dataclass(frozen=True, slots=True)
class Migrating:
    """Alembic of one environment."""

    runbook: Runbook
    compose: Compose
    definition: Database

    @classmethod
    def of(cls, runbook: Runbook, environment: str, definition: Database) -> Migrating:
        """Of that environment."""
        return cls(runbook, runbook.environments[environment].compose, definition)

    def downgrade(
        self, graph: ScriptGraph, walk: Walk, before: tuple[RevisionId, ...]
    ) -> Migration:
        """Down to a revision, in the image whose scripts these are (H2)."""
        words = ("downgrade", walk.target)
        return self._run(graph.version, graph.digest, words, before, walk.after)

    def upgrade(
        self,
        version: str,
        digest: ImageDigest,
        before: tuple[RevisionId, ...],
        after: tuple[RevisionId, ...],
    ) -> Migration:
        """Up to everything that an image has; an empty `after`: its heads are not known yet."""
        return self._run(version, digest, ("upgrade", "heads"), before, after)

    def back(self, graph: ScriptGraph, migration: Migration) -> Migration:
        """What undoes a downgrade as far as scripts can: dropped data stays lost."""
        to = migration.before[0] if len(migration.before) == 1 else "heads"
        words = ("upgrade", to)
        return self._run(graph.version, graph.digest, words, migration.after, migration.before)

    def _run(
        self,
        version: str,
        digest: ImageDigest,
        words: tuple[str, ...],
        before: tuple[RevisionId, ...],
        after: tuple[RevisionId, ...],
    ) -> Migration:
        alembic, name = self.definition.migrations, self.definition.migrations.service
        service = self.runbook.services[name]
        line = self.program(version, (*alembic.command, "-c", alembic.config, *words))
        return Migration(
            service=name,
            repository=service.image,
            version=version,
            digest=digest,
            command=line,
            url_variable=alembic.url_variable,
            before=tuple(sorted(before)),
            after=tuple(sorted(after)),
        )

    def program(self, version: str, program: tuple[str, ...]) -> CommandLine:
        """Any program of the image, where the migrations would run."""
        name, variable = self.definition.migrations.service, self.definition.migrations.url_variable
        return argv.one_off(
            self.compose,
            compose_name(name, self.runbook.services[name]),
            program,
            url_variable=variable,
            lock_timeout_s=self.definition.lock_timeout_s,
            variables=self._version_of(name, version),
        )

    def _version_of(self, name: str, version: str) -> dict[str, str]:
        """The very image, whatever is pinned at the time; an override file cannot be overridden."""
        if self.compose.pin == "override":
            return {}
        return {self.runbook.services[name].version_variable: version}
