"""A table of small folds, one per kind of event."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Generic, TypeVar

from commands.domain.events import Event

S = TypeVar("S")
E = TypeVar("E", bound=Event)


class Folds(Generic[S]):
    """Registers `@folds(Kind)` functions and applies the one for an event."""

    def __init__(self) -> None:
        self.by_kind: dict[type[Event], Callable[[S, Any, datetime], None]] = {}

    def __call__(
        self, kind: type[E]
    ) -> Callable[[Callable[[S, E, datetime], None]], Callable[[S, E, datetime], None]]:
        """Register the fold of one kind of event."""

        def register(
            fold: Callable[[S, E, datetime], None],
        ) -> Callable[[S, E, datetime], None]:
            self.by_kind[kind] = fold
            return fold

        return register
