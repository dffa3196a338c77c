"""The ordered steps of a downgrade and of a restore, with their limits and ways back. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from commands.domain.database_definition import Database
from commands.domain.facts import Facts
from commands.domain.plan import (
    Action,
    AwaitHealthy,
    CheckIntegrity,
    CompareSchema,
    DrainSessions,
    DropPrepared,
    DropScratch,
    EndMaintenance,
    EnterMaintenance,
    KeepCopy,
    LeaveMaintenance,
    MigrateSchema,
    Migration,
    Phase,
    PlannedStep,
    ProveBackup,
    ReadSchema,
    RehearseMigration,
    RestoreBeside,
    StartDependants,
    StopDependants,
    SwapDatabase,
    TakeBackup,
    Target,
    UndoKind,
)
from commands.domain.runbook import EnvironmentDefinition, Runbook
from commands.planner import argv
from commands.planner.steps import (
    DROP_TIMEOUT_S,
    Drafts,
    numbered,
    pins,
    pulls,
    step,
    switches,
    verify,
)

QUESTION_S = 30.0
PAGE_MARGIN_S = 15.0
DRAIN_MARGIN_S = 30.0
SWAP_S = 60.0


@dataclass(frozen=True, slots=True)
class Downgrade:
    """What a downgrade is made of. `back` only where the way back is by the scripts."""

    migration: Migration
    back: Migration | None
    tables: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Restore:
    """What a restore is made of. `migration` brings the backup up to the returned version."""

    backup: str
    sha256: str
    migration: Migration | None
    after: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Laying:
    """Lays the steps of one plan. `stopped`: the dependants as they run now.

    `targets` are all services with a new image; those of them that do not use the database are
    switched like in any rollback.
    """

    facts: Facts
    runbook: Runbook
    environment: EnvironmentDefinition
    definition: Database
    targets: tuple[Target, ...]
    stopped: tuple[Target, ...]
    revisions: tuple[str, ...]

    def downgrade(self, what: Downgrade) -> tuple[PlannedStep, ...]:
        """Backup, proof and rehearsal; then the downgrade before any pin moves (H2)."""
        return numbered(
            [
                *pulls(self.runbook, self.targets),
                *self._rehearsed(what.migration),
                *self._quiet(),
                *self._kept(what),
                self._read(what.migration.after),
                *self._run_again(),
                *self._proved(),
            ]
        )

    def restore(self, what: Restore) -> tuple[PlannedStep, ...]:
        """Restored beside while people decide; then two renames (H5)."""
        return numbered(
            [
                *pulls(self.runbook, self.targets),
                self._prepare(
                    RestoreBeside(database=self._name, backup=what.backup, sha256=what.sha256),
                    self.definition.backup_timeout_s,
                ),
                *self._quiet(),
                self._change(SwapDatabase(database=self._name), SWAP_S, UndoKind.REVERT),
                *self._pins(),
                *self._upgraded(what.migration),
                self._read(what.after),
                *self._started(),
                *self._proved(),
            ]
        )

    @property
    def _name(self) -> str:
        return self.definition.name

    def _rehearsed(self, migration: Migration) -> Drafts:
        limits = self.definition
        yield self._prepare(TakeBackup(database=self._name), limits.backup_timeout_s)
        yield self._prepare(ProveBackup(database=self._name), limits.backup_timeout_s)
        rehearse = RehearseMigration(
            database=self._name, migration=migration, critical=limits.critical_tables
        )
        yield self._prepare(rehearse, limits.rehearsal_timeout_s)

    def _quiet(self) -> Drafts:
        """Nobody uses the database, and it is still what was planned for."""
        limits = self.definition
        if limits.maintenance is not None:
            page_s = limits.maintenance.seen_within_s + PAGE_MARGIN_S
            yield self._change(EnterMaintenance(), page_s, UndoKind.REVERT)
        if self.stopped:
            names = (t.compose_service for t in self.stopped)
            command = argv.stop(self.environment.compose, names)
            stop = StopDependants(targets=self.stopped, command=command)
            yield self._change(stop, self.runbook.timing.switch_timeout_s, UndoKind.REVERT)
        drain = DrainSessions(database=self._name, patience_s=limits.drain_s)
        yield self._change(drain, limits.drain_s + DRAIN_MARGIN_S)
        compare = CompareSchema(database=self._name, revisions=self.revisions)
        yield self._change(compare, QUESTION_S)

    def _kept(self, what: Downgrade) -> Drafts:
        limits = self.definition
        keep = KeepCopy(
            database=self._name, way="dump" if what.back else "clone", tables=what.tables
        )
        yield self._change(keep, limits.backup_timeout_s, UndoKind.REVERT)
        migrate = MigrateSchema(
            database=self._name,
            migration=what.migration,
            lock_timeout_s=limits.lock_timeout_s,
            way_back="migrate" if what.back else "swap",
            back=what.back,
        )
        yield self._change(migrate, limits.migrate_timeout_s, UndoKind.REVERT)

    def _upgraded(self, migration: Migration | None) -> Drafts:
        """Undoing the swap brings all of it back, so that this has nothing to revert."""
        if migration is not None:
            upgrade = MigrateSchema(
                database=self._name,
                migration=migration,
                lock_timeout_s=self.definition.lock_timeout_s,
                way_back="swap",
            )
            yield self._change(upgrade, self.definition.migrate_timeout_s)

    def _read(self, revisions: tuple[str, ...]) -> PlannedStep:
        return self._change(ReadSchema(database=self._name, revisions=revisions), QUESTION_S)

    def _run_again(self) -> Drafts:
        yield from self._pins()
        yield from self._started()

    def _pins(self) -> Drafts:
        yield from pins(self.facts, self.runbook, self.environment, self.targets)

    def _started(self) -> Drafts:
        users = self.definition.dependants
        started = tuple(t for t in self.targets if t.service in users)
        others = tuple(t for t in self.targets if t.service not in users)
        compose = self.environment.compose
        start = StartDependants(
            targets=started,
            command=argv.switch(compose, (t.compose_service for t in started)),
            stop=argv.stop(compose, (t.compose_service for t in started)),
        )
        yield self._change(start, self.runbook.timing.switch_timeout_s, UndoKind.REVERT)
        names = tuple(t.service for t in started)
        patience_s = max(self.runbook.services[name].health_timeout_s for name in names)
        yield self._change(AwaitHealthy(services=names), patience_s)
        yield from switches(self.runbook, self.environment, others)

    def _proved(self) -> Drafts:
        limits = self.definition
        yield from verify(self.runbook, self.environment, self.targets)
        check = CheckIntegrity(database=self._name, critical=limits.critical_tables)
        yield step(Phase.VERIFY, check, limits.migrate_timeout_s, "verify")
        if limits.maintenance is not None:
            page_s = limits.maintenance.seen_within_s + PAGE_MARGIN_S
            leave = LeaveMaintenance()
            yield step(Phase.VERIFY, leave, page_s, "verify", UndoKind.REVERT)
            end = EndMaintenance(services=tuple(t.service for t in self.targets))
            yield step(Phase.CLEAN_UP, end, page_s)
        yield step(Phase.CLEAN_UP, DropScratch(database=self._name), DROP_TIMEOUT_S)
        yield step(Phase.CLEAN_UP, DropPrepared(targets=self.targets), DROP_TIMEOUT_S)

    def _prepare(self, action: Action, timeout_s: float) -> PlannedStep:
        return step(Phase.PREPARE, action, timeout_s)

    def _change(
        self, action: Action, timeout_s: float, undo: UndoKind = UndoKind.NOTHING
    ) -> PlannedStep:
        return step(Phase.EXECUTE, action, timeout_s, "switch", undo)


def stopped_now(facts: Facts, targets: tuple[Target, ...]) -> Iterator[Target]:
    """The dependants as they run now: what an undo runs again."""
    for target in targets:
        running = facts.of(target.service).running
        if running is not None and running.state in ("running", "restarting"):
            yield target.model_copy(update={"version": running.version, "digest": running.digest})
