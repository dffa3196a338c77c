"""Tasks of one process take turns at writing, for a while."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

WAIT_S = 1.0
"""Longer than a write takes, shorter than somebody waits for an answer."""


@dataclass(slots=True)
class Turns:
    """Fifty tasks that race each other by compare-and-set lose forty-nine times over.

    Nothing depends on having the turn: who waited too long, while the store is away, goes on
    without it, and the compare-and-set decides.
    """

    wait_s: float = WAIT_S
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @asynccontextmanager
    async def taken(self) -> AsyncIterator[None]:
        """Hold the turn, if it comes in time."""
        held = False
        with suppress(TimeoutError):
            async with asyncio.timeout(self.wait_s):
                held = await self._lock.acquire()
        try:
            yield
        finally:
            if held:
                self._lock.release()
