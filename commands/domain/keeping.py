"""Which databases a rollback keeps aside, and what an undo of it would lose."""

from __future__ import annotations

from commands.domain import naming
from commands.domain.plan import (
    KeepCopy,
    MigrateSchema,
    Phase,
    PlannedStep,
    StartDependants,
    SwapDatabase,
)
from commands.domain.state import RollbackState, StepStatus
from commands.domain.text import Text, text

UNDO_LOSSES_SHOWN = 4
"""How many lost things a sentence names; the plan's card has them all."""

COPY_STAYS = "db.copy_stays"
"""What the walk back says of a copy that it leaves there."""

DATA = ("table", "column", "rows")
"""What holds data; everything else is made again by the migration."""


def kept_databases(state: RollbackState) -> tuple[str, ...]:
    """The databases that this rollback left beside the live one and that are still there.

    Forward it is the one from before; after an undo the one that the undo put aside, or the one
    from before where nothing was seen to have changed: only people let that go.
    """
    if state.kept_dropped:
        return ()
    names = (_kept_by(state, step) for step in state.planned(*Phase))
    return tuple(dict.fromkeys(name for name in names if name))


def _kept_by(state: RollbackState, step: PlannedStep) -> str:
    status = state.record(step.number).status
    match step.action:
        case KeepCopy(way="clone", database=database) | SwapDatabase(database=database) if (
            status is StepStatus.DONE or _said(state, step) == COPY_STAYS
        ):
            return naming.kept(database, state.id)
        case MigrateSchema(way_back="swap", database=database) if (
            status is StepStatus.REVERTED and _puts_aside(state, step)
        ):
            return naming.left(database, state.id)
        case SwapDatabase(database=database) if status is StepStatus.REVERTED:
            return naming.restored(database, state.id)
        case _:
            return ""


def _said(state: RollbackState, step: PlannedStep) -> str:
    detail = state.record(step.number).detail
    return detail.key if detail else ""


def _puts_aside(state: RollbackState, step: PlannedStep) -> bool:
    """Whether the walk back had something to bring back, and so put something aside."""
    begun = bool(state.record(step.number).before)
    return begun and not _swaps(state) and _said(state, step) != "db.unchanged"


def _swaps(state: RollbackState) -> bool:
    """Whether the whole database was exchanged: then its schema comes back with it."""
    return any(isinstance(step.action, SwapDatabase) for step in state.planned(*Phase))


def undo_loss(state: RollbackState) -> Text | None:
    """What an undo of this rollback loses for good or leaves aside; None when it loses nothing.

    Said before people decide, never after. Nobody writes before the services run again.
    """
    for step in state.planned(Phase.EXECUTE):
        status = state.record(step.number).status
        match step.action:
            case SwapDatabase(database=database) if _served_since(state):
                return text("db.undo_leaves", database=naming.restored(database, state.id))
            case MigrateSchema(way_back="swap", database=database) if _served_since(state):
                return text("db.undo_leaves", database=naming.left(database, state.id))
            case MigrateSchema(way_back="migrate") if status.touched and not _as_before(status):
                return _stays_lost(state)
            case _:
                pass
    return None


def _as_before(status: StepStatus) -> bool:
    """A migration that failed was looked at: the schema is as before, else it is in doubt."""
    return status is StepStatus.FAILED


def _served_since(state: RollbackState) -> bool:
    """Whether services may have written to the database since it was changed."""
    started = (s for s in state.planned(Phase.EXECUTE) if isinstance(s.action, StartDependants))
    return any(state.record(step.number).status.touched for step in started)


def _stays_lost(state: RollbackState) -> Text:
    """Data are named; an index or a type comes back with its migration."""
    losses = state.plan.losses if state.plan else ()
    names = tuple(loss.name for loss in losses if loss.what in DATA)
    if not names:
        return text("db.undo_migrates")
    shown = names[:UNDO_LOSSES_SHOWN]
    more = len(names) - len(shown)
    if more:
        return text("db.undo_stays_lost_more", lost=shown, n=more)
    return text("db.undo_stays_lost", lost=shown)
