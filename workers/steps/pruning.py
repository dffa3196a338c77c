"""Old backups are let go by one rule, by whoever just made a new one: worker or shell."""

from __future__ import annotations

import structlog

from commands.domain.errors import RollbotError
from workers.steps.ports import Ports

log = structlog.get_logger()


def prune(ports: Ports) -> tuple[str, ...]:
    """The names of those that were deleted: none when nobody can tell which are needed.

    As well as it goes: whatever was done before it stays done. Safe to repeat.
    """
    if ports.needed is None:
        return ()
    try:
        needed, limits = ports.needed(), ports.limits
        keep = limits.keep_days, limits.keep_at_least
        return ports.folder.prune(limits.name, *keep, needed)
    except RollbotError as error:
        log.warning("not_pruned", why=str(error))
        return ()
