"""An open question to the roles of an escalation row, and who answered it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from commands.domain.events import Approved, Asked, AskVerb
from commands.domain.people import Identity, PersonId, RoleId
from commands.domain.runbook import RowId


@dataclass(frozen=True, slots=True)
class Approval:
    """One person's yes, with the roles held when it was given."""

    person: PersonId
    identity: Identity
    roles: tuple[RoleId, ...]
    digest: str
    evidence_digest: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Question:
    """What people are asked to decide. Each role is a slot; one person fills one slot.

    `voided` counts how often the approvals were made void by evidence that got worse.
    """

    verb: AskVerb
    step: int | None
    row: RowId
    roles: tuple[RoleId, ...]
    self_approval: bool
    by: PersonId
    digest: str
    asked_at: datetime
    expires_at: datetime
    approvals: Mapping[PersonId, Approval] = field(default_factory=dict)
    voided: int = 0

    @classmethod
    def of(cls, asked: Asked, at: datetime) -> Question:
        """The question that an `Asked` event opens."""
        return cls(
            asked.verb,
            asked.step,
            asked.row,
            asked.roles,
            asked.self_approval,
            asked.by,
            asked.digest,
            at,
            asked.expires_at,
        )

    def with_approval(self, event: Approved, at: datetime) -> dict[PersonId, Approval]:
        """The approvals after one more; a person's first one stands."""
        approval = Approval(
            event.person, event.identity, event.roles, event.digest, event.evidence_digest, at
        )
        return {event.person: approval, **self.approvals}

    @property
    def filled(self) -> dict[RoleId, PersonId]:
        """Which person fills which slot: as many slots as distinct people can fill."""
        return match_slots(self.roles, {p: a.roles for p, a in self.approvals.items()})

    @property
    def missing(self) -> tuple[RoleId, ...]:
        """The roles that still wait, in the row's order."""
        filled = self.filled
        return tuple(role for role in self.roles if role not in filled)

    @property
    def nonce(self) -> str:
        """What a button carries, so that an old button never decides a new question.

        Nor the same one on evidence that its card did not show.
        """
        return f"{self.digest[:12]}-{self.voided}" if self.voided else self.digest[:12]


def match_slots(
    roles: tuple[RoleId, ...], held: Mapping[PersonId, tuple[RoleId, ...]]
) -> dict[RoleId, PersonId]:
    """A largest assignment of distinct people to roles (augmenting paths; both sides are tiny)."""
    filled: dict[RoleId, PersonId] = {}

    def place(person: PersonId, tried: set[RoleId]) -> bool:
        for role in roles:
            if role not in held[person] or role in tried:
                continue
            tried.add(role)
            if role not in filled or place(filled[role], tried):
                filled[role] = person
                return True
        return False

    for person in held:
        place(person, set())
    return filled
