"""What one environment remembers: slot, freeze, ledger, numbers, inbox."""

from __future__ import annotations

from typing import Literal

from commands.domain.conversation import Incoming
from commands.domain.database import BackupRecord
from commands.domain.events.event import Event
from commands.domain.facts import ImageDigest, Proven
from commands.domain.people import PersonId, RoleId
from commands.domain.request import Request


class RollbackOpened(Event):
    """A number was given out. Numbers are never used twice."""

    kind: Literal["rollback_opened"] = "rollback_opened"
    rollback_id: str
    number: int
    request: Request
    requester: PersonId


class RollbackClosed(Event):
    """The rollback came to an end; `outcome` is its status then.

    `switch_s` is how long its services were away: from the first switch until all were healthy.
    """

    kind: Literal["rollback_closed"] = "rollback_closed"
    rollback_id: str
    outcome: str
    switch_s: float | None = None


class SlotTaken(Event):
    """One rollback executes per environment."""

    kind: Literal["slot_taken"] = "slot_taken"
    rollback_id: str


class SlotReleased(Event):
    """The environment is free again."""

    kind: Literal["slot_released"] = "slot_released"
    rollback_id: str


class SlotClaimed(Event):
    """An approved full rollback waits for the slot and may supersede a smaller one."""

    kind: Literal["slot_claimed"] = "slot_claimed"
    rollback_id: str


class Frozen(Event):
    """Deploys are stopped until lifted; rollbacks never are."""

    kind: Literal["frozen"] = "frozen"
    person: PersonId | None = None
    rollback_id: str = ""
    reason: str = ""


class UnfreezeAsked(Event):
    """Unfreezing wants the row of the rollback that froze: one approval so far."""

    kind: Literal["unfreeze_asked"] = "unfreeze_asked"
    person: PersonId
    roles: tuple[RoleId, ...]
    reason: str = ""


class Unfrozen(Event):
    """Deploys may go on."""

    kind: Literal["unfrozen"] = "unfrozen"
    people: tuple[PersonId, ...]


class ReleaseSeen(Event):
    """A release exists (`running` False) or started to run; seen is not proven."""

    kind: Literal["release_seen"] = "release_seen"
    service: str
    version: str
    digest: ImageDigest
    running: bool


class ReleaseProven(Event):
    """A running release was healthy for long enough, by the observer's own probes."""

    kind: Literal["release_proven"] = "release_proven"
    service: str
    version: str
    digest: ImageDigest
    proven: Proven


class ReleaseRolledBack(Event):
    """A release was left behind by a rollback: `--auto` never goes back to it."""

    kind: Literal["release_rolled_back"] = "release_rolled_back"
    service: str
    version: str
    digest: ImageDigest
    rollback_id: str


class BackupTaken(Event):
    """A backup was made and proven (`record.proven_at`), by a rollback, a deploy or by hand."""

    kind: Literal["backup_taken"] = "backup_taken"
    record: BackupRecord


class DeployAnnounced(Event):
    """`rollbot pre-deploy`: a deploy is about to start, with this backup ("" = none) behind it."""

    kind: Literal["deploy_announced"] = "deploy_announced"
    person: PersonId
    backup: str
    version: str = ""


class Received(Event):
    """A listener authenticated a person and took their words in, before acknowledging."""

    kind: Literal["received"] = "received"
    incoming: Incoming


class Handled(Event):
    """What was received was answered; `outcome` is a message key or a rollback id."""

    kind: Literal["handled"] = "handled"
    delivery_id: str
    outcome: str
