"""Which databases a rollback keeps aside, and what an undo of it would lose."""

from __future__ import annotations

from commands.domain import naming
from commands.domain.plan import KeepCopy, MigrateSchema, Phase, PlannedStep, SwapDatabase
from commands.domain.state import RollbackState, StepStatus
from commands.domain.text import Text, text

UNDO_LOSSES_SHOWN = 4
"""How many lost things a sentence names; the plan's card has them all."""


def kept_databases(state: RollbackState) -> tuple[str, ...]:
    """The databases that this rollback left beside the live one and that are still there.

    Forward it is the one from before; after an undo the one that the undo put aside.
    """
    if state.kept_dropped:
        return ()
    names = (_kept_by(state, step) for step in state.planned(*Phase))
    return tuple(dict.fromkeys(name for name in names if name))


def _kept_by(state: RollbackState, step: PlannedStep) -> str:
    status = state.record(step.number).status
    match step.action:
        case KeepCopy(way="clone", database=database) | SwapDatabase(database=database) if (
            status is StepStatus.DONE
        ):
            return naming.kept(database, state.id)
        case MigrateSchema(way_back="swap", database=database) if (
            status is StepStatus.REVERTED and not _swaps(state)
        ):
            return naming.left(database, state.id)
        case SwapDatabase(database=database) if status is StepStatus.REVERTED:
            return naming.restored(database, state.id)
        case _:
            return ""


def _swaps(state: RollbackState) -> bool:
    """Whether the whole database was exchanged: then its schema comes back with it."""
    return any(isinstance(step.action, SwapDatabase) for step in state.planned(*Phase))


def undo_loss(state: RollbackState) -> Text | None:
    """What an undo of this rollback loses for good or leaves aside; None when it loses nothing.

    Said before people decide, never after.
    """
    for step in state.planned(*Phase):
        if not state.record(step.number).status.touched:
            continue
        match step.action:
            case SwapDatabase(database=database):
                return text("db.undo_leaves", database=naming.restored(database, state.id))
            case MigrateSchema(way_back="swap", database=database):
                return text("db.undo_leaves", database=naming.left(database, state.id))
            case MigrateSchema(way_back="migrate"):
                return _stays_lost(state)
            case _:
                pass
    return None


def _stays_lost(state: RollbackState) -> Text:
    change = state.plan.schema_change if state.plan else None
    loses = change.loses if change else ()
    if not loses:
        return text("db.undo_migrates")
    shown = loses[:UNDO_LOSSES_SHOWN]
    more = len(loses) - len(shown)
    return text("db.undo_stays_lost_more" if more else "db.undo_stays_lost", lost=shown, n=more)
