"""Journals in memory: the same bytes, chain and errors as on Redis, for tests of what uses them.

`tests/contract/test_store.py` runs one suite on these and on real servers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Generic, TypeVar

from commands.domain.errors import JournalConflictError, StoreUnavailableError
from commands.store.chain import Chains, Part, RawEntry
from commands.store.codec import Codec, Recorded
from commands.store.keys import ENVIRONMENT_JOURNAL

E = TypeVar("E")


@dataclass
class MemoryStreams:
    """What a Redis would hold; several journals may share it. `away` makes it unreachable."""

    entries: dict[str, list[RawEntry]] = field(default_factory=dict)
    away: bool = False

    def get(self, name: str) -> list[RawEntry]:
        if self.away:
            raise StoreUnavailableError(why="away")
        return self.entries.get(name, [])


class MemoryJournal(Generic[E]):
    """`commands.store.journal.Journal` without a Redis."""

    def __init__(self, codec: Codec[E], streams: MemoryStreams | None = None) -> None:
        self.streams = streams or MemoryStreams()
        self._chains = Chains(codec)

    def read(self, name: str, after: int = 0) -> list[Recorded[E]]:
        start = min(after, self._chains.verified(name))
        entries = self.streams.get(name)
        last = entries[-1][0] if entries else b"0-0"
        info = {"length": len(entries), "last-generated-id": last}
        self._chains.check_whole(name, info, self._chains.verified(name))
        return self._chains.accept_after(name, after, start, entries[start:])

    def append(self, batch: Iterable[Part[E]], at: datetime | None = None) -> dict[str, int]:
        parts = list(batch)
        for name, expected, _ in parts:
            self.read(name, self._chains.verified(name))
            if (actual := len(self.streams.get(name))) != expected:
                raise JournalConflictError(name, expected, actual)
        append = self._chains.prepare(parts, at or datetime.now(UTC))
        for name, expected, sealed in append.parts:
            stream = self.streams.entries.setdefault(name, [])
            for n, entry in enumerate(sealed, start=expected + 1):
                fields = {
                    b"e": entry.raw,
                    b"s": entry.signature.encode(),
                    b"h": entry.hash.encode(),
                }
                stream.append((f"{n}-0".encode(), fields))
        return self._chains.appended(append)

    def follow(self, after: Mapping[str, int], block_s: float) -> dict[str, list[Recorded[E]]]:
        """Nothing else can happen while a caller of this waits, so it does not wait."""
        found = {name: self.read(name, position) for name, position in after.items()}
        return {name: entries for name, entries in found.items() if entries}

    def names(self) -> tuple[str, ...]:
        self.streams.get(ENVIRONMENT_JOURNAL)
        names = (n for n, entries in self.streams.entries.items() if entries)
        rollbacks = (n for n in names if n != ENVIRONMENT_JOURNAL)
        return tuple(sorted(rollbacks, key=lambda n: (len(n), n)))


class AsyncMemoryJournal(Generic[E]):
    """`commands.store.async_journal.AsyncJournal` without a Redis."""

    def __init__(self, codec: Codec[E], streams: MemoryStreams | None = None) -> None:
        self._sync = MemoryJournal(codec, streams)
        self.streams = self._sync.streams
        self._appended = asyncio.Condition()

    async def read(self, name: str, after: int = 0) -> list[Recorded[E]]:
        return self._sync.read(name, after)

    async def append(self, batch: Iterable[Part[E]], at: datetime | None = None) -> dict[str, int]:
        lengths = self._sync.append(batch, at)
        async with self._appended:
            self._appended.notify_all()
        return lengths

    async def follow(
        self, after: Mapping[str, int], block_s: float
    ) -> dict[str, list[Recorded[E]]]:
        async with self._appended:
            if not (found := self._sync.follow(after, 0)):
                try:
                    await asyncio.wait_for(self._appended.wait(), block_s)
                except TimeoutError:
                    return {}
                found = self._sync.follow(after, 0)
            return found

    async def names(self) -> tuple[str, ...]:
        return self._sync.names()
