"""What happened: the journal's entries. Only ever added to; a release reads before it writes one.

Two journals: one per environment (`EnvironmentEvent`), one per rollback (`RollbackEvent`).
Events carry facts and message keys, never sentences. The time of an event is the entry's.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import Field, TypeAdapter

from commands.domain.events.asking import (
    ApprovalsVoided,
    Approved,
    Asked,
    Denied,
    EvidenceFound,
    Expired,
    Joined,
    Noted,
    PlanChanged,
    Planned,
    PlanRefused,
    Refused,
    RehearsalSkipped,
    Requested,
    Ticked,
    Withdrawn,
)
from commands.domain.events.ending import (
    Cancelled,
    Closed,
    DropKeptOrdered,
    KeptDropped,
    Posted,
    PostLost,
    Succeeded,
    Superseded,
    Undone,
    WorkerBack,
    WorkerLost,
)
from commands.domain.events.environment import (
    BackupTaken,
    DeployAnnounced,
    Frozen,
    Handled,
    Received,
    ReleaseProven,
    ReleaseRolledBack,
    ReleaseSeen,
    RollbackClosed,
    RollbackOpened,
    SlotClaimed,
    SlotReleased,
    SlotTaken,
    UnfreezeAsked,
    Unfrozen,
)
from commands.domain.events.event import AskVerb, Direction, Event
from commands.domain.events.running import (
    ExecutionStarted,
    RetryOrdered,
    StepDone,
    StepFailed,
    StepInDoubt,
    StepIntended,
    StepMarkedDone,
    StepProbed,
    StopAsked,
    Stopped,
    UndoStarted,
)

RollbackEvent: TypeAlias = (
    Requested
    | Joined
    | Planned
    | PlanRefused
    | PlanChanged
    | EvidenceFound
    | Asked
    | Approved
    | Withdrawn
    | ApprovalsVoided
    | Refused
    | Denied
    | Expired
    | Ticked
    | Noted
    | ExecutionStarted
    | StepIntended
    | StepProbed
    | StepDone
    | StepFailed
    | StepInDoubt
    | StepMarkedDone
    | RetryOrdered
    | StopAsked
    | Stopped
    | UndoStarted
    | Cancelled
    | Superseded
    | Succeeded
    | Undone
    | Closed
    | WorkerLost
    | WorkerBack
    | Posted
    | PostLost
    | RehearsalSkipped
    | DropKeptOrdered
    | KeptDropped
)
"""The entries of one rollback's journal."""

EnvironmentEvent: TypeAlias = (
    RollbackOpened
    | RollbackClosed
    | SlotTaken
    | SlotReleased
    | SlotClaimed
    | Frozen
    | UnfreezeAsked
    | Unfrozen
    | ReleaseSeen
    | ReleaseProven
    | ReleaseRolledBack
    | Received
    | Handled
    | Refused
    | BackupTaken
    | DeployAnnounced
)
"""The entries of one environment's journal."""

AnyEvent: TypeAlias = Annotated[RollbackEvent | EnvironmentEvent, Field(discriminator="kind")]

EVENTS: TypeAdapter[AnyEvent] = TypeAdapter(AnyEvent)
"""What the codec reads and writes: every event of both journals."""

__all__ = [
    "EVENTS",
    "AnyEvent",
    "ApprovalsVoided",
    "Approved",
    "AskVerb",
    "Asked",
    "BackupTaken",
    "Cancelled",
    "Closed",
    "Denied",
    "DeployAnnounced",
    "Direction",
    "DropKeptOrdered",
    "EnvironmentEvent",
    "Event",
    "EvidenceFound",
    "ExecutionStarted",
    "Expired",
    "Frozen",
    "Handled",
    "Joined",
    "KeptDropped",
    "Noted",
    "PlanChanged",
    "PlanRefused",
    "Planned",
    "PostLost",
    "Posted",
    "Received",
    "Refused",
    "RehearsalSkipped",
    "ReleaseProven",
    "ReleaseRolledBack",
    "ReleaseSeen",
    "Requested",
    "RetryOrdered",
    "RollbackClosed",
    "RollbackEvent",
    "RollbackOpened",
    "SlotClaimed",
    "SlotReleased",
    "SlotTaken",
    "StepDone",
    "StepFailed",
    "StepInDoubt",
    "StepIntended",
    "StepMarkedDone",
    "StepProbed",
    "StopAsked",
    "Stopped",
    "Succeeded",
    "Superseded",
    "Ticked",
    "UndoStarted",
    "Undone",
    "UnfreezeAsked",
    "Unfrozen",
    "Withdrawn",
    "WorkerBack",
    "WorkerLost",
]
