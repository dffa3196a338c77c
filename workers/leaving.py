"""What is to be ended: what an earlier job left running, and what nobody waits for any more."""

from __future__ import annotations

import structlog

from commands.domain.errors import RollbotError
from commands.domain.state import RollbackState
from workers.steps.ports import Ports

log = structlog.get_logger()

SETTLE_S = 30.0


def settle(ports: Ports, state: RollbackState | None) -> None:
    """End, or wait for, what an earlier job process of this rollback left running.

    Its sessions on the database after its containers: a program that is gone begins no other.
    Raises EngineError when the engine is away. A database that is away is met again by the step.
    """
    ports.containers.settle(ports.rollback_id, SETTLE_S)
    if state is None or state.plan is None or state.plan.schema_change is None:
        return
    try:
        ports.production.settle()
        if ports.rehearsals is not ports.production:
            ports.rehearsals.settle()
    except RollbotError as error:
        log.warning("database_not_settled", rollback=ports.rollback_id, why=str(error))


def is_left(state: RollbackState | None) -> bool:
    """Whether nobody waits for the rehearsal that runs: it was skipped, or all has ended."""
    if state is None:
        return False
    return state.rehearsal_skipped_by is not None or state.status.ended
