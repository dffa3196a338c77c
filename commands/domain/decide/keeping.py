"""What a database rollback kept: while it is there it can be brought back, or let go."""

from __future__ import annotations

from commands.domain.errors import RefusedError
from commands.domain.keeping import kept_databases
from commands.domain.state import RollbackState, Status


def must_keep_something(state: RollbackState) -> None:
    """Raises RefusedError: not ended by success or undo, nothing kept, or let go already."""
    if state.kept_dropped or state.drop_kept_by:
        raise RefusedError("refused.kept_dropped", id=state.id)
    if state.status not in (Status.SUCCEEDED, Status.UNDONE):
        raise RefusedError("refused.drop_kept_early", id=state.id)
    if not kept_databases(state):
        raise RefusedError("refused.nothing_kept", id=state.id)


def must_have_a_way_back(state: RollbackState) -> None:
    """Raises RefusedError when the database that an undo brings back was let go."""
    if state.kept_dropped or state.drop_kept_by:
        raise RefusedError("refused.undo_kept_dropped", id=state.id)
