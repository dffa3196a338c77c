"""What a check found: how bad it is, and in which words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Protocol, TypeAlias, runtime_checkable

from commands.domain.runbook import EnvironmentDefinition, Runbook
from commands.domain.text import Param, Text, text
from commands.settings import Settings
from commands.store.opening import Access, Store, open_store
from workers.steps.ports import Ports


class Level(IntEnum):
    """Red stops a rollback, yellow will be missed one day, green was seen to work."""

    RED = 0
    YELLOW = 1
    GREEN = 2


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `text` says what is wrong and what to do about it."""

    level: Level
    text: Text


def red(key: str, /, **facts: Param) -> Finding:
    """A rollback would fail on this."""
    return Finding(Level.RED, text(key, **facts))


def yellow(key: str, /, **facts: Param) -> Finding:
    """A rollback would work, something around it would not."""
    return Finding(Level.YELLOW, text(key, **facts))


def green(key: str, /, **facts: Param) -> Finding:
    """Seen to work, just now."""
    return Finding(Level.GREEN, text(key, **facts))


@runtime_checkable
class Closeable(Protocol):
    """An adapter that holds a connection."""

    def close(self) -> None:
        """Let it go."""
        ...


@dataclass(frozen=True, slots=True)
class Ground:
    """What a check of one environment may ask. `access` is None when its key is missing."""

    settings: Settings
    runbook: Runbook
    environment: str
    ports: Ports
    access: Access | None
    now: datetime

    @contextmanager
    def memory(self) -> Iterator[Store | None]:
        """The environment's memory, opened anew: checks run side by side, a book is for one."""
        store = open_store(self.access) if self.access else None
        try:
            yield store
        finally:
            if store is not None:
                store.client.close()

    def close(self) -> None:
        """Let the connections to engine and services go."""
        for port in (self.ports.containers, self.ports.web):
            if isinstance(port, Closeable):
                port.close()

    @property
    def definition(self) -> EnvironmentDefinition:
        """The environment as the runbook has it."""
        return self.runbook.environments[self.environment]

    @property
    def services(self) -> tuple[str, ...]:
        """The services that can be rolled back here."""
        return self.runbook.service_names(self.environment)


Check: TypeAlias = Callable[[Ground], Iterator[Finding]]
