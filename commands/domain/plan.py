"""A plan is data: ordered steps, what they change and from what, and its digest.

The digest covers what will be done and from what, never estimates, warnings or words.
"""

from __future__ import annotations

import hashlib
import json
from enum import StrEnum
from typing import Annotated, TypeAlias

from pydantic import Field

from commands.domain.actions import (
    AwaitHealthy,
    CommandLine,
    DropPrepared,
    HoldStable,
    Pin,
    PinVersion,
    PlanPart,
    PullImage,
    ReadBack,
    RunCheck,
    SwitchRelease,
    Target,
)
from commands.domain.database import BackupRecord, Loss, RevisionId
from commands.domain.database_actions import (
    CheckIntegrity,
    CompareSchema,
    DrainSessions,
    DropScratch,
    EndMaintenance,
    EnterMaintenance,
    KeepCopy,
    LeaveMaintenance,
    MigrateSchema,
    Migration,
    ProveBackup,
    ReadSchema,
    RehearseMigration,
    RestoreBeside,
    StartDependants,
    StopDependants,
    SwapDatabase,
    TakeBackup,
)
from commands.domain.procedure import Stage
from commands.domain.request import Request
from commands.domain.text import Text

__all__ = [
    "Action",
    "AwaitHealthy",
    "CheckIntegrity",
    "CommandLine",
    "CompareSchema",
    "DrainSessions",
    "DropPrepared",
    "DropScratch",
    "EndMaintenance",
    "EnterMaintenance",
    "Evidence",
    "EvidenceItem",
    "HoldStable",
    "KeepCopy",
    "LeaveMaintenance",
    "MigrateSchema",
    "Migration",
    "Phase",
    "Pin",
    "PinVersion",
    "Plan",
    "PlanPart",
    "PlannedStep",
    "ProveBackup",
    "PullImage",
    "ReadBack",
    "ReadSchema",
    "RehearseMigration",
    "RestoreBeside",
    "RunCheck",
    "SchemaChange",
    "StartDependants",
    "StopDependants",
    "SwapDatabase",
    "SwitchRelease",
    "TakeBackup",
    "Target",
    "UndoKind",
    "digest_of",
]


class Phase(StrEnum):
    """When a step runs: `prepare` serves no user and needs no approval; `execute` changes."""

    PREPARE = "prepare"
    EXECUTE = "execute"
    VERIFY = "verify"
    CLEAN_UP = "clean_up"


Action: TypeAlias = Annotated[
    PullImage
    | PinVersion
    | SwitchRelease
    | AwaitHealthy
    | ReadBack
    | HoldStable
    | RunCheck
    | DropPrepared
    | TakeBackup
    | ProveBackup
    | RehearseMigration
    | RestoreBeside
    | EnterMaintenance
    | StopDependants
    | DrainSessions
    | CompareSchema
    | KeepCopy
    | MigrateSchema
    | SwapDatabase
    | StartDependants
    | ReadSchema
    | CheckIntegrity
    | LeaveMaintenance
    | DropScratch
    | EndMaintenance,
    Field(discriminator="kind"),
]


COVERED = {
    *("request", "runbook_digest", "targets", "steps", "config_fingerprint", "schema_change"),
}


class UndoKind(StrEnum):
    """What walking back means for a step."""

    REVERT = "revert"
    NOTHING = "nothing"
    IMPOSSIBLE = "impossible"


class PlannedStep(PlanPart):
    """One step. `number` counts from 1 over all phases. `budget` is the runbook's stage."""

    number: int
    phase: Phase
    action: Action
    undo: UndoKind = UndoKind.NOTHING
    timeout_s: float
    budget: Stage = "none"


class SchemaChange(PlanPart):
    """What happens to the database: which, from which revisions to which, and what is lost by it.

    `backup` names the backup that a restore goes back to ("" for a downgrade); `path` the
    scripts that a downgrade runs, newest first. `losses` with their row counts are estimates, so
    only their names belong to the digest (through `loses`).
    """

    database: str
    before: tuple[RevisionId, ...]
    after: tuple[RevisionId, ...]
    path: tuple[RevisionId, ...] = ()
    backup: str = ""
    backup_sha256: str = ""
    loses: tuple[str, ...] = ()


class Plan(PlanPart):
    """Everything that will be done, from what, and what people should know before.

    `downtime_s` is an estimate (None = not known); `commits_undone` are one-line summaries.
    `backup` is what a restore goes back to, for cards (`schema_change` names it in the digest).
    """

    request: Request
    runbook_digest: str
    targets: tuple[Target, ...]
    steps: tuple[PlannedStep, ...]
    config_fingerprint: str = ""
    schema_change: SchemaChange | None = None
    losses: tuple[Loss, ...] = ()
    written_since: dict[str, int] = Field(default_factory=dict)
    backup: BackupRecord | None = None
    warnings: tuple[Text, ...] = ()
    evidence: tuple[Text, ...] = ()
    commits_undone: tuple[str, ...] = ()
    downtime_s: float | None = None

    def digest(self) -> str:
        """SHA-256 (hex) of the canonical JSON of what will be done and from what."""
        covered = self.model_dump(
            mode="json",
            include=COVERED,
        )
        for said in ("reason", "words"):
            covered["request"].pop(said)
        return digest_of(covered)

    def step(self, number: int) -> PlannedStep:
        """The step of that number. Raises IndexError if there is none."""
        if not 1 <= number <= len(self.steps):
            raise IndexError(number)
        return self.steps[number - 1]

    def of_phase(self, *phases: Phase) -> tuple[PlannedStep, ...]:
        """The steps of these phases, in order."""
        return tuple(s for s in self.steps if s.phase in phases)


class EvidenceItem(PlanPart):
    """One thing that prepare found out; `ok` False is worse than True, None: could not be told.

    `found` is for machines and the audit; `said` is what the approval card shows of it.
    """

    name: str
    ok: bool | None
    found: str = ""
    said: Text | None = None


class Evidence(PlanPart):
    """What prepare proved (images here, backup proven, rehearsal passed). Has its own digest."""

    items: tuple[EvidenceItem, ...] = ()

    def digest(self) -> str:
        """SHA-256 (hex) over the items."""
        return digest_of(self.model_dump(mode="json"))

    def worse_than(self, earlier: Evidence) -> bool:
        """Whether something is bad that was not known to be: approvals of before are void."""
        known = {item.name for item in earlier.items if item.ok is False}
        return any(item.ok is False and item.name not in known for item in self.items)


def digest_of(value: object) -> str:
    """SHA-256 (hex) of canonical JSON: sorted keys, no spaces, UTF-8."""
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()
