"""The plan of a database rollback: `DATABASE`, `RESTORE`, and `FULL` with `restore_db`. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from commands.domain.database import BackupRecord, DatabaseFacts, RevisionId
from commands.domain.database_definition import Database
from commands.domain.errors import PlanRefusedError
from commands.domain.facts import Facts
from commands.domain.people import Scenario
from commands.domain.plan import Migration, Plan, PlannedStep, SchemaChange, Target
from commands.domain.request import Request
from commands.domain.runbook import EnvironmentDefinition, Runbook
from commands.domain.text import Text
from commands.planner import database_refusals as refusals
from commands.planner import database_warnings as warnings
from commands.planner.database_steps import Downgrade, Laying, Restore, stopped_now
from commands.planner.fitting import wanted
from commands.planner.graph import Walk
from commands.planner.migrating import Migrating
from commands.planner.service import commits, evidence, release_warnings
from commands.planner.targets import refuse_untouchable, refuse_without_image, target_of

UNQUALIFIED = ("column", "constraint")
KEPT_BY_TABLE = (*UNQUALIFIED, "table", "index")
"""Losses that a dump of their tables holds whole."""


def plan(request: Request, facts: Facts, runbook: Runbook) -> Plan:
    """Everything that will be done to database and services, from what.

    Pure: the same facts give the same digest. Raises PlanRefusedError (`refused.*`).
    """
    environment = runbook.environments[request.environment]
    if environment.database is None:
        raise PlanRefusedError("refused.db_none", environment=request.environment)
    database = refusals.surveyed(facts)
    case = _Case(request, facts, runbook, environment, environment.database, database)
    refusals.refuse_server(database, environment.database)
    return case.downgraded() if request.scenario is Scenario.DATABASE else case.restored()


@dataclass(frozen=True, slots=True)
class _Case:
    request: Request
    facts: Facts
    runbook: Runbook
    environment: EnvironmentDefinition
    definition: Database
    database: DatabaseFacts

    def downgraded(self) -> Plan:
        """Down by the running image's scripts, then the version that suits the result."""
        graph = refusals.sound_graph(self.database, self.definition)
        repository = self.runbook.services[graph.service].image
        refusals.refuse_unpinned(graph, self.facts, repository)
        walk = refusals.way_back(self.request, self.database, graph)
        refusals.refuse_irreversible(walk)
        if not self.database.scratch_apart:
            refusals.refuse_unknown_room(self.database, self.definition)
        has_clone = refusals.has_room_for_clone(self.database, self.definition)
        tied = refusals.refuse_tied if has_clone else refusals.refuse_prepared
        tied(self.database)
        tables = () if has_clone else self._touched()
        is_dumped_twice = not has_clone and not tables
        refusals.refuse_without_room_for_backup(
            self.database, self.definition, dumps=2 if is_dumped_twice else 1
        )
        version = self._version()
        targets = self._targets(version)
        migrating = Migrating.of(self.runbook, self.request.environment, self.definition)
        migration = migrating.downgrade(graph, walk, self.database.revisions)
        what = Downgrade(
            migration=migration,
            back=None if has_clone else migrating.back(graph, migration),
            tables=tables,
        )
        clone = "made" if has_clone else self.definition.clone
        told = warnings.of_downgrade(self.database, walk.path, clone)
        return self._plan(
            targets,
            self._laying(targets).downgrade(what),
            self._change(walk),
            (*told, *warnings.of_fit(self.database, version, walk.after)),
        )

    def restored(self) -> Plan:
        """The backup is swapped in, and brought up to the version returned to if so wished."""
        backup = refusals.backup_for(self.database, self.definition, self.request.backup)
        refusals.refuse_tied(self.database)
        refusals.refuse_unknown_room(self.database, self.definition)
        refusals.refuse_without_room_beside(self.database)
        version = self._version()
        targets = self._targets(version)
        migration = self._upgrade(targets, version, backup.revisions)
        after = migration.after if migration else backup.revisions
        what = Restore(backup.name, backup.sha256, migration, after)
        change = SchemaChange(
            database=self.definition.name,
            before=self.database.revisions,
            after=after,
            backup=backup.name,
            backup_sha256=backup.sha256,
        )
        told = tuple(warnings.of_fit(self.database, version, backup.revisions))
        return self._plan(targets, self._laying(targets).restore(what), change, told, backup)

    def _plan(
        self,
        targets: tuple[Target, ...],
        steps: tuple[PlannedStep, ...],
        change: SchemaChange,
        told: tuple[Text, ...],
        backup: BackupRecord | None = None,
    ) -> Plan:
        request, facts, runbook = self.request, self.facts, self.runbook
        return Plan(
            request=request,
            runbook_digest=runbook.digest,
            targets=targets,
            steps=steps,
            config_fingerprint=facts.config_fingerprint,
            schema_change=change,
            losses=self.database.losses,
            written_since=self.database.written_since,
            backup=backup,
            warnings=(
                *told,
                *warnings.of_both(self.database, self.definition),
                *release_warnings(request, facts, runbook, targets),
            ),
            evidence=tuple(evidence(facts, runbook, targets)),
            commits_undone=commits(facts, targets),
        )

    def _version(self) -> str:
        releases = self.facts.of(self.definition.migrations.service).releases
        return wanted(self.request, self.definition, self.database, releases)

    def _targets(self, version: str) -> tuple[Target, ...]:
        """Every service asked for, those that run the version already too: they were stopped."""
        for name in self.request.services:
            facts = self.facts.of(name)
            refuse_untouchable(name, self.runbook.services[name], facts.running)
            refuse_without_image(facts, version, auto=False)
        return tuple(
            target_of(name, self.runbook.services[name], self.facts.of(name), version)
            for name in self.request.services
        )

    def _laying(self, targets: tuple[Target, ...]) -> Laying:
        users = tuple(t for t in targets if t.service in self.definition.dependants)
        return Laying(
            facts=self.facts,
            runbook=self.runbook,
            environment=self.environment,
            definition=self.definition,
            targets=targets,
            stopped=tuple(stopped_now(self.facts, users)),
            revisions=self.database.revisions,
        )

    def _upgrade(
        self, targets: tuple[Target, ...], version: str, revisions: tuple[RevisionId, ...]
    ) -> Migration | None:
        """`upgrade head` of the version returned to, unless it is sure to have nothing to do."""
        if self.definition.after_restore == "nothing":
            return None
        fit = self.database.fit(version)
        if fit is not None and fit.at_head:
            return None
        service = self.definition.migrations.service
        target = next(t for t in targets if t.service == service)
        migrating = Migrating.of(self.runbook, self.request.environment, self.definition)
        return migrating.upgrade(version, target.digest, revisions, fit.heads if fit else ())

    def _change(self, walk: Walk) -> SchemaChange:
        return SchemaChange(
            database=self.definition.name,
            before=self.database.revisions,
            after=walk.after,
            path=tuple(one.id for one in walk.path),
            loses=tuple(sorted(f"{one.what} {one.name}" for one in self.database.losses)),
        )

    def _touched(self) -> tuple[str, ...]:
        """The tables that lose something; none where those alone may not hold all that goes.

        Rows that go take others with them by their foreign keys; a type or a view is in no table.
        """
        losses = self.database.losses
        if self.database.losses_why or any(one.what not in KEPT_BY_TABLE for one in losses):
            return ()
        named = {
            one.name.rpartition(".")[0] if one.what in UNQUALIFIED else one.name
            for one in losses
            if one.what != "index"
        }
        return tuple(sorted(named))
