"""Which class does which kind of action on the database, and what it must know of other steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import TypeVar

from commands.domain import plan as planned
from commands.domain.plan import CommandLine, Plan, PlannedStep, Target
from commands.planner import argv
from commands.planner.database_warnings import AUTOCOMMIT
from workers.steps import seen_page, take_backup
from workers.steps.check_integrity import CheckIntegrity
from workers.steps.compare_schema import CompareSchema
from workers.steps.drain_sessions import DrainSessions
from workers.steps.drop_scratch import DropScratch
from workers.steps.end_maintenance import EndMaintenance
from workers.steps.enter_maintenance import EnterMaintenance
from workers.steps.keep_copy import KeepClone, KeepDump, Keeping
from workers.steps.leave_maintenance import LeaveMaintenance
from workers.steps.migrate_schema import MigrateSchema
from workers.steps.ports import Ports
from workers.steps.progress import Before, Step
from workers.steps.prove_backup import ProveBackup
from workers.steps.read_schema import ReadSchema
from workers.steps.rehearse_migration import RehearseMigration
from workers.steps.rehearsed import Expectation
from workers.steps.restore_beside import RestoreBeside
from workers.steps.rows import COUNTS
from workers.steps.start_dependants import StartDependants
from workers.steps.stop_dependants import StopDependants
from workers.steps.swap_database import SwapDatabase
from workers.steps.switch_release import SwitchRelease

P = TypeVar("P", bound=planned.PlanPart)


def build_on_database(step: PlannedStep, ports: Ports, plan: Plan) -> Step | None:
    """The step that carries this planned one out; None for one of a service rollback."""
    made = (build(step, ports, plan) for build in (_prepare, _change, _look))
    return next((found for found in made if found), None)


def _prepare(  # noqa: PLR0911 - one per kind
    step: PlannedStep, ports: Ports, plan: Plan
) -> Step | None:
    """The step, if it prepares or cleans up: production's services are not touched by it."""
    number = step.number
    match step.action:
        case planned.TakeBackup(database=database):
            return take_backup.TakeBackup(ports, database, step.timeout_s, _before(ports, number))
        case planned.ProveBackup(database=database, backup=name):
            return ProveBackup(ports, database, name or _own(ports, plan), step.timeout_s)
        case planned.RehearseMigration() as action:
            backup = _proven(plan) or _own(ports, plan)
            attempt = ports.known.attempts.get(number, 1)
            return RehearseMigration(ports, action, backup, step.timeout_s, attempt)
        case planned.RestoreBeside(database=database, backup=name, sha256=sha256):
            return RestoreBeside(ports, database, name, sha256, step.timeout_s)
        case planned.DropScratch(database=database):
            return DropScratch(ports, database, _is_begun(ports, plan, planned.SwapDatabase))
        case planned.EndMaintenance(services=services):
            return EndMaintenance(ports, services, _page_is_ours(ports, plan))
        case _:
            return None


def _change(  # noqa: PLR0911 - one per kind
    step: PlannedStep, ports: Ports, plan: Plan
) -> Step | None:
    """The step, if it changes production's database, or the services that use it."""
    match step.action:
        case planned.StopDependants(targets=targets, command=command):
            back = argv.switch(ports.compose, (t.compose_service for t in targets))
            switch, started = _switch(targets, back, step, ports, plan), _started(plan)
            return StopDependants(ports, targets, command, switch, started)
        case planned.StartDependants(targets=targets) as start:
            return StartDependants(_switch(targets, start.command, step, ports, plan), start.stop)
        case planned.DrainSessions(database=database, patience_s=patience_s):
            return DrainSessions(ports, database, patience_s)
        case planned.KeepCopy() as action:
            return _keep(action, step, ports, plan)
        case planned.MigrateSchema() as action:
            return _migrate(action, step, ports, plan)
        case planned.SwapDatabase(database=database):
            return SwapDatabase(ports, database)
        case _:
            return None


def _look(step: PlannedStep, ports: Ports, plan: Plan) -> Step | None:
    """The step, if it looks at the database, or lets users in or out."""
    match step.action:
        case planned.EnterMaintenance():
            return EnterMaintenance(ports)
        case planned.LeaveMaintenance():
            return LeaveMaintenance(ports)
        case planned.CompareSchema(database=database, revisions=revisions):
            migrates = _actions(plan, planned.MigrateSchema)
            migration = next((one.migration for one in migrates), None)
            return CompareSchema(ports, database, revisions, migration)
        case planned.ReadSchema(database=database, revisions=revisions):
            return ReadSchema(ports, database, revisions, _migrations_target(ports, plan))
        case planned.CheckIntegrity() as action:
            return _integrity(action, step, ports, plan)
        case _:
            return None


def _keep(action: planned.KeepCopy, step: PlannedStep, ports: Ports, plan: Plan) -> Keeping:
    if action.way == "dump":
        return KeepDump(ports, action, step.timeout_s, _before(ports, step.number))
    begun = _is_known(ports, plan, planned.MigrateSchema)
    return KeepClone(ports, action.database, step.timeout_s, _swaps_back(plan), begun)


def _kept(ports: Ports, plan: Plan) -> Iterator[tuple[Keeping, Mapping[str, object]]]:
    """What keeps the copy of this plan, and what it said when it was done."""
    for step in plan.steps:
        if isinstance(step.action, planned.KeepCopy):
            said = ports.known.said.get(step.number)
            yield _keep(step.action, step, ports, plan), said.params if said else {}


def _migrate(
    action: planned.MigrateSchema, step: PlannedStep, ports: Ports, plan: Plan
) -> MigrateSchema:
    change = plan.schema_change
    keeping = next(_kept(ports, plan), None)
    return MigrateSchema(
        ports,
        action,
        step.timeout_s,
        captured=_before(ports, step.number),
        path=frozenset(change.path) if change else frozenset(),
        is_swapped=any(True for _ in _actions(plan, planned.SwapDatabase)),
        is_apart=any(warning.key == AUTOCOMMIT for warning in plan.warnings),
        keeping=keeping[0] if keeping else None,
        kept_as=keeping[1] if keeping else {},
        attempt=ports.known.attempts.get(step.number, 1),
    )


def _integrity(
    action: planned.CheckIntegrity, step: PlannedStep, ports: Ports, plan: Plan
) -> CheckIntegrity:
    migrated = (_before(ports, n) for n, _ in _numbered(plan, planned.MigrateSchema))
    restored = (beside.backup for beside in _actions(plan, planned.RestoreBeside))
    expectation = Expectation.of(ports.known.evidence)
    dropped = (loss.name for loss in plan.losses if loss.what == "table")
    return CheckIntegrity(
        ports,
        action.database,
        action.critical,
        counted_before=next(migrated, {}).get(COUNTS, ""),
        backup=next(restored, ""),
        expectation=expectation,
        gone=frozenset({*dropped, *expectation.dropped}),
        timeout_s=step.timeout_s,
    )


def _switch(
    targets: tuple[Target, ...], command: CommandLine, step: PlannedStep, ports: Ports, plan: Plan
) -> SwitchRelease:
    kept = (pin.keep_as for pin in _actions(plan, planned.PinVersion))
    return SwitchRelease(
        ports,
        targets,
        command,
        keep_as=next(kept, ""),
        timeout_s=step.timeout_s,
        pull_timeout_s=ports.runbook.timing.pull_timeout_s,
    )


def _started(plan: Plan) -> tuple[Target, ...]:
    """Every release that this plan runs: an undo must not take it for somebody else's."""
    starts = (start.targets for start in _actions(plan, planned.StartDependants))
    switches = (switch.targets for switch in _actions(plan, planned.SwitchRelease))
    return tuple(target for targets in (*starts, *switches) for target in targets)


def _own(ports: Ports, plan: Plan) -> str:
    """The name of the backup that this rollback took; "" before it did."""
    taken = (_before(ports, n) for n, _ in _numbered(plan, planned.TakeBackup))
    return PurePath(next(taken, {}).get(take_backup.PATH, "")).name


def _proven(plan: Plan) -> str:
    """The backup that the plan names to be proven; "" for its own."""
    return next((proof.backup for proof in _actions(plan, planned.ProveBackup)), "")


def _swaps_back(plan: Plan) -> bool:
    return any(m.way_back == "swap" for m in _actions(plan, planned.MigrateSchema))


def _is_begun(ports: Ports, plan: Plan, kind: type[planned.PlanPart]) -> bool:
    return any(_before(ports, number) for number, _ in _numbered(plan, kind))


def _is_known(ports: Ports, plan: Plan, kind: type[planned.PlanPart]) -> bool:
    """Whether the journal tells of it at all; people may have done it by hand."""
    return any(number in ports.known.captured for number, _ in _numbered(plan, kind))


def _page_is_ours(ports: Ports, plan: Plan) -> bool:
    entered = (_before(ports, n) for n, _ in _numbered(plan, planned.EnterMaintenance))
    return next(entered, {}).get(seen_page.ENTERED) == seen_page.NO


def _migrations_target(ports: Ports, plan: Plan) -> Target | None:
    """The release whose migrations the database follows once the plan is done."""
    definition = ports.definition.database
    service = definition.migrations.service if definition else ""
    return next((target for target in plan.targets if target.service == service), None)


def _before(ports: Ports, number: int) -> Before:
    return ports.known.captured.get(number, {})


def _actions(plan: Plan, kind: type[P]) -> Iterator[P]:
    return (action for _, action in _numbered(plan, kind))


def _numbered(plan: Plan, kind: type[P]) -> Iterator[tuple[int, P]]:
    for step in plan.steps:
        if isinstance(step.action, kind):
            yield step.number, step.action
