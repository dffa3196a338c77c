"""What was asked, planned and decided by people."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime

from commands.domain.events.event import AskVerb, Event
from commands.domain.people import Identity, PersonId, RoleId
from commands.domain.plan import Evidence, EvidenceItem, Plan
from commands.domain.request import Request
from commands.domain.runbook import Channel, RowId
from commands.domain.text import Text


class Requested(Event):
    """Somebody asked. `home` is where the card goes; `runbook_digest` what was in force."""

    kind: Literal["requested"] = "requested"
    rollback_id: str
    number: int
    request: Request
    requester: PersonId
    identity: Identity
    home: Channel
    runbook_digest: str


class Joined(Event):
    """Somebody else asked for the same while it was open."""

    kind: Literal["joined"] = "joined"
    person: PersonId
    home: Channel


class Planned(Event):
    """The worker surveyed and planned. `digest` is the plan's."""

    kind: Literal["planned"] = "planned"
    plan: Plan
    digest: str
    seconds: float


class PlanRefused(Event):
    """The survey shows that it cannot be done safely. Final."""

    kind: Literal["plan_refused"] = "plan_refused"
    reason: Text


class PlanChanged(Event):
    """The world moved between approval and the first changing step: approvals are void."""

    kind: Literal["plan_changed"] = "plan_changed"
    old_digest: str
    new_digest: str
    changes: tuple[Text, ...] = ()


class EvidenceFound(Event):
    """A prepare step found something out."""

    kind: Literal["evidence_found"] = "evidence_found"
    items: tuple[EvidenceItem, ...]


class Asked(Event):
    """People are asked: each role is a slot, filled by distinct persons before `expires_at`.

    `digest` is what they decide on: the plan's for `execute`, plan and position for recovery.
    """

    kind: Literal["asked"] = "asked"
    verb: AskVerb
    step: int | None = None
    row: RowId
    roles: tuple[RoleId, ...]
    self_approval: bool
    by: PersonId
    digest: str
    expires_at: AwareDatetime


class Approved(Event):
    """One person approved. `roles` are those of the row that the person held then."""

    kind: Literal["approved"] = "approved"
    person: PersonId
    identity: Identity
    roles: tuple[RoleId, ...]
    digest: str
    evidence_digest: str


class Withdrawn(Event):
    """An approver took the approval back, before execution. `by_rule`: the role is gone."""

    kind: Literal["withdrawn"] = "withdrawn"
    person: PersonId
    by_rule: bool = False


class ApprovalsVoided(Event):
    """Evidence got worse after people had approved."""

    kind: Literal["approvals_voided"] = "approvals_voided"
    reason: Text
    evidence: Evidence


class RehearsalSkipped(Event):
    """An approver decided to go on without the rehearsal; the backup stays a must."""

    kind: Literal["rehearsal_skipped"] = "rehearsal_skipped"
    person: PersonId
    reason: str = ""


class Refused(Event):
    """A decision that was not allowed, for the audit: who tried what, and why not."""

    kind: Literal["refused"] = "refused"
    identity: Identity
    verb: str
    reason: Text


class Denied(Event):
    """An approver said no. Final."""

    kind: Literal["denied"] = "denied"
    person: PersonId
    reason: str = ""


class Expired(Event):
    """Nobody answered in time. Final for `execute`; a recovery question may be asked again."""

    kind: Literal["expired"] = "expired"
    verb: AskVerb


class Ticked(Event):
    """A person confirmed (or took back) a checklist point."""

    kind: Literal["ticked"] = "ticked"
    point: str
    person: PersonId
    done: bool = True


class Noted(Event):
    """A person's note for the post-mortem, whole."""

    kind: Literal["noted"] = "noted"
    person: PersonId
    words: str
