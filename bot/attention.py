"""What calls for people, and the key of the message that says so: it is said once each."""

from __future__ import annotations

from commands.domain.state import RollbackState, Status

ATTENTION = (
    Status.FAILED,
    Status.IN_DOUBT,
    Status.STOPPED,
    Status.NOT_PREPARED,
    Status.EXPIRED,
    Status.DENIED,
    Status.SUPERSEDED,
)

LOST = "lost:"
"""Begins the key of "nobody works": edited when a worker is back."""

WATCH = "watch:"
"""Begins the key of "it did not hold": edited when somebody took note, or undid it."""

EVERYWHERE = (
    *(f"{status.value}:" for status in (Status.FAILED, Status.IN_DOUBT, Status.STOPPED)),
    WATCH,
)
"""So begin the keys of what every channel of the environment is told, not only the card's."""


def attention_key(state: RollbackState) -> str | None:
    """The key of the message that makes phones ring; None when nothing calls for people."""
    if state.worker_lost_at is not None and not state.status.ended:
        return f"{LOST}{state.worker_lost_at:%Y%m%dT%H%M%S}"
    if state.plan_changes and state.status is Status.PLANNED:
        nonce = state.question.nonce if state.question else state.plan_digest[:12]
        return f"changed:{nonce}"
    if state.watched_badly:
        return f"{WATCH}bad"
    if state.status in ATTENTION:
        blocked = state.blocked()
        step = blocked.number if blocked else 0
        return f"{state.status.value}:{step}:{state.record(step).attempt}:{state.direction}"
    return None
