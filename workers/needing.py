"""Which backups must stay because of what is still open."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath

from commands.domain.state import RollbackState
from commands.store.book import Book
from workers.steps import take_backup


def needed_by(book: Book) -> tuple[str, ...]:
    """The files that open rollbacks asked for, planned with, or made. Raises store errors."""
    states = [book.rollback(name) for name in tuple(book.environment().open)]
    return tuple(name for state in states if state for name in _of(state))


def _of(state: RollbackState) -> Iterator[str]:
    change = state.plan.schema_change if state.plan else None
    made = (record.before.get(take_backup.PATH, "") for record in state.steps.values())
    found = (state.request.backup, change.backup if change else "", *map(_name, made))
    yield from filter(None, found)


def _name(path: str) -> str:
    return PurePath(path).name
