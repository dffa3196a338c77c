"""Plans of the database as the planner makes them: a migration back, and a restore."""

from __future__ import annotations

from collections.abc import Iterable

from commands.domain.actions import PlanPart
from commands.domain.database import Loss
from commands.domain.people import Scenario
from commands.domain.plan import (
    Action,
    AwaitHealthy,
    CheckIntegrity,
    CommandLine,
    CompareSchema,
    DrainSessions,
    DropPrepared,
    DropScratch,
    EndMaintenance,
    EnterMaintenance,
    HoldStable,
    KeepCopy,
    LeaveMaintenance,
    MigrateSchema,
    Migration,
    Phase,
    Pin,
    PinVersion,
    Plan,
    PlannedStep,
    ProveBackup,
    PullImage,
    ReadBack,
    ReadSchema,
    RehearseMigration,
    RestoreBeside,
    RunCheck,
    SchemaChange,
    StartDependants,
    StopDependants,
    SwapDatabase,
    TakeBackup,
    Target,
    UndoKind,
)
from commands.domain.request import Request
from commands.domain.text import Text, text

NAME = "samokoder"
BEFORE, AFTER = ("8c1f0b7a9d42",), ("4f2a91c07d3e",)
CRITICAL = ("users", "projects", "files")
LOSSES = (
    Loss(what="column", name="projects.description", rows=1_204, size_bytes=260_000),
    Loss(what="column", name="projects.archived_at", rows=0),
    Loss(what="index", name="ix_projects_archived"),
)
BACKUP = "samokoder_20261121T221500Z.dump"
COMPOSE = CommandLine(argv=("docker-compose", "up", "-d", "--no-deps", "api", "worker"))
STOP = CommandLine(argv=("docker-compose", "stop", "api", "worker"))
REVERTED = (
    EnterMaintenance,
    StopDependants,
    KeepCopy,
    MigrateSchema,
    SwapDatabase,
    PinVersion,
    StartDependants,
    LeaveMaintenance,
)


def database_request(**more: object) -> Request:
    """`db -1`, or what is given."""
    given: dict[str, object] = {
        "environment": "production",
        "scenario": Scenario.DATABASE,
        "services": ("api", "worker"),
    }
    if more.get("scenario") is not Scenario.RESTORE:
        given["revision"] = "-1"
    return Request.model_validate(given | more)


def database_plan(
    request: Request,
    *,
    way: str = "clone",
    warnings: tuple[Text, ...] = (),
    evidence: tuple[Text, ...] = (),
) -> Plan:
    """The whole plan of a migration back or of a restore, in the planner's order."""
    version = request.version or "v1.2.3"
    targets = tuple(target(name, version) for name in request.services)
    restore = request.scenario is Scenario.RESTORE
    phases = _restore(targets) if restore else _migrate(targets, way)
    change = SchemaChange(
        database=NAME,
        before=BEFORE,
        after=AFTER,
        path=() if restore else BEFORE,
        backup=BACKUP if restore else "",
        loses=() if restore else tuple(f"{loss.what} {loss.name}" for loss in LOSSES),
    )
    return Plan(
        request=request,
        runbook_digest="r",
        targets=targets,
        steps=tuple(numbered(phases)),
        schema_change=change,
        losses=() if restore else LOSSES,
        written_since={"files": 312, "projects": 9, "users": 2} if restore else {},
        warnings=warnings,
        evidence=evidence,
        downtime_s=40.0,
    )


def target(name: str, version: str) -> Target:
    """One service that goes from v1.3.0 to this version."""
    return Target(
        service=name,
        compose_service=name,
        repository=f"samokoder-{name}",
        version=version,
        digest=f"sha256:{name}-{version}",
        before=f"sha256:{name}-v1.3.0",
        before_version="v1.3.0",
    )


def migration(*words: str) -> Migration:
    """Alembic in the image that runs now: the newer one knows the way back."""
    argv = ("docker-compose", "run", "--rm", "--no-deps", "api", "alembic", *words)
    return Migration(
        service="api",
        repository="samokoder-api",
        version="v1.3.0",
        digest="sha256:api-v1.3.0",
        command=CommandLine(argv=argv, secrets=("DATABASE_URL",)),
        url_variable="DATABASE_URL",
        before=BEFORE,
        after=AFTER,
    )


def numbered(phases: Iterable[tuple[Phase, tuple[PlanPart, ...]]]) -> Iterable[PlannedStep]:
    """Steps numbered over all phases."""
    number = 0
    for phase, actions in phases:
        for action in actions:
            number += 1
            undo = UndoKind.REVERT if isinstance(action, REVERTED) else UndoKind.NOTHING
            yield PlannedStep.model_validate(
                {"number": number, "phase": phase, "action": action, "undo": undo, "timeout_s": 60}
            )


def _migrate(
    targets: tuple[Target, ...], way: str
) -> tuple[tuple[Phase, tuple[PlanPart, ...]], ...]:
    down = migration("downgrade", AFTER[0])
    up = migration("upgrade", BEFORE[0]).model_copy(update={"before": AFTER, "after": BEFORE})
    back = None if way == "clone" else up
    prepare = (
        *(PullImage(target=one) for one in targets),
        TakeBackup(database=NAME),
        ProveBackup(database=NAME),
        RehearseMigration(database=NAME, migration=down, critical=CRITICAL),
    )
    keep = KeepCopy.model_validate({"database": NAME, "way": way, "tables": ("projects",)})
    migrate = MigrateSchema(
        database=NAME,
        migration=down,
        lock_timeout_s=5,
        way_back="swap" if way == "clone" else "migrate",
        back=back,
    )
    changes = (CompareSchema(database=NAME, revisions=BEFORE), keep, migrate)
    return (
        (Phase.PREPARE, prepare),
        (Phase.EXECUTE, (*_stop(targets), *changes, *_start(targets))),
        *_after(targets),
    )


def _restore(targets: tuple[Target, ...]) -> tuple[tuple[Phase, tuple[PlanPart, ...]], ...]:
    prepare = (
        *(PullImage(target=one) for one in targets),
        RestoreBeside(database=NAME, backup=BACKUP, sha256="5" * 64),
    )
    changes = (CompareSchema(database=NAME, revisions=BEFORE), SwapDatabase(database=NAME))
    return (
        (Phase.PREPARE, prepare),
        (Phase.EXECUTE, (*_stop(targets), *changes, *_start(targets))),
        *_after(targets),
    )


def _stop(targets: tuple[Target, ...]) -> tuple[Action, ...]:
    running = tuple(t.model_copy(update={"version": "v1.3.0"}) for t in targets)
    return (
        EnterMaintenance(),
        StopDependants(targets=running, command=STOP),
        DrainSessions(database=NAME, patience_s=10),
    )


def _start(targets: tuple[Target, ...]) -> tuple[Action, ...]:
    pin = Pin(kind="variable", path=".env", name="APP_VERSION", value=targets[0].version)
    return (
        ReadSchema(database=NAME, revisions=AFTER),
        PinVersion(pin=pin, keep_as=".env.before"),
        StartDependants(targets=targets, command=COMPOSE, stop=STOP),
        AwaitHealthy(services=tuple(t.service for t in targets)),
    )


def _after(targets: tuple[Target, ...]) -> tuple[tuple[Phase, tuple[PlanPart, ...]], ...]:
    smoke = CommandLine(argv=("/opt/samokoder/ops/scripts/smoke-test.sh",))
    verify = (
        ReadBack(targets=targets),
        HoldStable(targets=targets, stable_s=30),
        RunCheck(name="Smoke-тесты", command=smoke),
        CheckIntegrity(database=NAME, critical=CRITICAL),
        LeaveMaintenance(),
    )
    services = tuple(t.service for t in targets)
    clean = (
        EndMaintenance(services=services),
        DropScratch(database=NAME),
        DropPrepared(targets=targets),
    )
    return (Phase.VERIFY, verify), (Phase.CLEAN_UP, clean)


LOCKED = text(
    "error.lock_timeout",
    database=NAME,
    timeout_s=5.0,
    holders=("pgAdmin 4 samokoder 10.0.0.7 (pid 71, 720 s)",),
)
"""What a step says when somebody holds what it needs."""
