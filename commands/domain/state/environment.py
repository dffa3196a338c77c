"""The state of one environment: numbers, slot, freeze, ledger, inbox."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from statistics import median

from commands.domain.conversation import Incoming
from commands.domain.database import BackupRecord
from commands.domain.facts import ImageDigest, LedgerLine
from commands.domain.people import PersonId, RoleId
from commands.domain.request import Request

SWITCHES_KEPT = 5
"""How many measured switches of the same services an estimate is made of."""

BACKUPS_KEPT = 50
"""How many backups an environment remembers; the folder itself may hold more."""

DEPLOYS_KEPT = 20
"""How many announced deploys an environment remembers."""

SEEN_DELIVERIES_KEPT = 20_000
"""How many delivery ids are remembered: far more than any platform repeats within a day."""


@dataclass(frozen=True, slots=True)
class OpenRollback:
    """A rollback that has not ended."""

    id: str
    request: Request
    requester: PersonId
    since: datetime


@dataclass(frozen=True, slots=True)
class Slot:
    """Who executes now."""

    rollback_id: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Freeze:
    """Deploys are stopped: since when, by whom or by which rollback, why."""

    since: datetime
    person: PersonId | None
    rollback_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Deploy:
    """A deploy that announced itself, with the backup behind it. `version` "" = not said."""

    at: datetime
    person: PersonId
    backup: str
    version: str


@dataclass(slots=True, kw_only=True)
class EnvironmentState:
    """Everything an environment's journal says. Owned by the one reader that folds it.

    `backups` and `deploys` are the newest ones, oldest first.
    """

    name: str
    position: int = 0
    last_number: int = 0
    opened: dict[str, OpenRollback] = field(default_factory=dict)
    open: dict[str, OpenRollback] = field(default_factory=dict)
    outcomes: dict[str, str] = field(default_factory=dict)
    slot: Slot | None = None
    claimed_by: str = ""
    last_changed_by: str = ""
    freeze: Freeze | None = None
    unfreeze_yes: dict[PersonId, tuple[RoleId, ...]] = field(default_factory=dict)
    ledger: dict[tuple[str, ImageDigest], LedgerLine] = field(default_factory=dict)
    pending: dict[str, Incoming] = field(default_factory=dict)
    seen: dict[str, None] = field(default_factory=dict)
    refusals: int = 0
    backups: tuple[BackupRecord, ...] = ()
    deploys: tuple[Deploy, ...] = ()
    switches_s: dict[tuple[str, ...], tuple[float, ...]] = field(default_factory=dict)

    def expected_downtime_s(self, services: tuple[str, ...]) -> float | None:
        """The median of what the same services' last switches took; None before the first."""
        measured = self.switches_s.get(services, ())
        return round(median(measured), 1) if measured else None

    def same_target(self, request: Request) -> OpenRollback | None:
        """An open rollback to the same target, to be joined."""
        return next((o for o in self.open.values() if o.request.same_target(request)), None)

    def holder(self) -> OpenRollback | None:
        """The rollback that holds the slot."""
        return self.opened.get(self.slot.rollback_id) if self.slot else None

    def ledger_lines(self) -> tuple[LedgerLine, ...]:
        """The ledger, in the order in which releases were first seen."""
        return tuple(self.ledger.values())
