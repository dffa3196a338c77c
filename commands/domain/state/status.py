"""The life of a rollback and of a step, by name."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """Where a rollback stands. `closed` is not a status: an ended one is watched, then closed."""

    REQUESTED = "requested"
    PLANNED = "planned"
    APPROVED = "approved"
    EXECUTING = "executing"
    VERIFYING = "verifying"
    FAILED = "failed"
    IN_DOUBT = "in_doubt"
    STOPPED = "stopped"
    UNDOING = "undoing"
    SUCCEEDED = "succeeded"
    UNDONE = "undone"
    REHEARSED = "rehearsed"
    REFUSED = "refused"
    NOT_PREPARED = "not_prepared"
    DENIED = "denied"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"

    @property
    def ended(self) -> bool:
        """No step of execution will follow by itself or by a recovery button."""
        return self in _ENDED

    @property
    def waits_for_people(self) -> bool:
        """Something is half done and only people can say how it goes on."""
        return self in (Status.FAILED, Status.IN_DOUBT, Status.STOPPED)

    @property
    def moving(self) -> bool:
        """The worker is changing or proving production now."""
        return self in (Status.EXECUTING, Status.VERIFYING, Status.UNDOING)

    @property
    def undecided(self) -> bool:
        """Before the first changing step: it can still be approved, withdrawn or cancelled."""
        return self in (Status.REQUESTED, Status.PLANNED, Status.APPROVED)


_ENDED = frozenset(
    {
        Status.SUCCEEDED,
        Status.UNDONE,
        Status.REHEARSED,
        Status.REFUSED,
        Status.NOT_PREPARED,
        Status.DENIED,
        Status.EXPIRED,
        Status.CANCELLED,
        Status.SUPERSEDED,
    }
)


class StepStatus(StrEnum):
    """Where one step stands."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    IN_DOUBT = "in_doubt"
    REVERTING = "reverting"
    REVERTED = "reverted"
    REVERT_FAILED = "revert_failed"

    @property
    def touched(self) -> bool:
        """Whether the step may have had its effect: then an undo must walk over it."""
        return self is not StepStatus.PENDING and self is not StepStatus.REVERTED
