"""Where things stand in Redis."""

from __future__ import annotations

ENVIRONMENT_JOURNAL = "env"
"""The name of an environment's own journal; every other journal is a rollback's."""


def stream_key(environment: str, journal: str) -> str:
    """`rollbot:production:env`, `rollbot:production:rollback:RB-17`."""
    if journal == ENVIRONMENT_JOURNAL:
        return f"rollbot:{environment}:env"
    return f"rollbot:{environment}:rollback:{journal}"


def names_key(environment: str) -> str:
    """The set of rollbacks that have a journal."""
    return f"rollbot:{environment}:rollbacks"


def observed_key(environment: str) -> str:
    """The observer's latest record."""
    return f"rollbot:{environment}:observed"


def room_key(environment: str) -> str:
    """Never there: whether it could be written tells whether Redis takes writes."""
    return f"rollbot:{environment}:room"


def queue_name(environment: str) -> str:
    """The RQ queue of an environment; one worker host listens to it alone."""
    return f"rollbot-{environment}"
