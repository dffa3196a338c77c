"""Look for the first entry of each journal that is not as it was written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from commands.domain.accounting import first_unaccounted
from commands.domain.errors import StateLostError, StoreError, TamperedJournalError
from commands.domain.events import AnyEvent, RollbackOpened
from commands.store.chain import Chains
from commands.store.codec import NOTHING_BEFORE, Recorded
from commands.store.connection import patiently
from commands.store.keys import ENVIRONMENT_JOURNAL, stream_key
from commands.store.opening import Store
from commands.store.witness import Note, claimed


@dataclass(frozen=True, slots=True)
class Finding:
    """One journal: how many entries are as they were written, and what is wrong with the next."""

    journal: str
    entries: int
    error: StoreError | None = None


@dataclass(slots=True)
class Inspector:
    """Reads everything anew, trusting no index: names come from three places."""

    store: Store
    _kept: dict[str, list[str]] = field(default_factory=dict)
    _noted: frozenset[Note] = frozenset()

    def findings(self) -> Iterator[Finding]:
        """The mirror of this host first, then every journal, the environment's before others."""
        self._noted = frozenset(self.store.witness.notes())
        if (mirror := self._mirror()) is not None:
            yield mirror
        for name in self._names():
            yield self._inspect(name)

    def _names(self) -> Sequence[str]:
        known = {*self.store.book.journal.names(), *self._kept}
        environment, _ = self.entries(ENVIRONMENT_JOURNAL)
        known |= {
            entry.event.rollback_id
            for entry in environment
            if isinstance(entry.event, RollbackOpened)
        }
        known.discard(ENVIRONMENT_JOURNAL)
        return (ENVIRONMENT_JOURNAL, *sorted(known, key=lambda name: (len(name), name)))

    def entries(self, name: str) -> tuple[list[Recorded[AnyEvent]], StoreError | None]:
        """The journal's entries up to the first that is not right, and what is wrong with it."""
        chains = Chains(self.store.codec)
        key = stream_key(self.store.environment, name)
        raw: Any = patiently(lambda: self.store.client.xrange(key))
        good: list[Recorded[AnyEvent]] = []
        for position in range(len(raw)):
            try:
                good += chains.accept(name, position, raw[position : position + 1])
            except StoreError as error:
                return good, error
        return good, None

    def _inspect(self, name: str) -> Finding:
        good, error = self.entries(name)
        error = error or self._against_mirror(name, good) or self._cut_off(name)
        if error is None and name != ENVIRONMENT_JOURNAL:
            error = _unaccounted(name, good) or self._not_vouched_for(name, good)
        return Finding(name, len(good), error)

    def _cut_off(self, name: str) -> StoreError | None:
        """Entries taken off the end leave a trace in Redis itself."""
        try:
            entries = self.store.book.entries(name)
        except StoreError as error:
            return error
        return None if entries else StateLostError(name, 1, 0)

    def _against_mirror(self, name: str, good: Sequence[Recorded[AnyEvent]]) -> StoreError | None:
        kept = self._kept.get(name, [])
        for position, (here, there) in enumerate(zip(kept, good, strict=False), start=1):
            if here != there.hash:
                return TamperedJournalError(name, position, "differs from the mirror")
        if len(kept) > len(good):
            return StateLostError(name, len(kept), len(good))
        return None

    def _not_vouched_for(self, name: str, good: Sequence[Recorded[AnyEvent]]) -> StoreError | None:
        """What is rightly signed and this host never did; asked where a worker has run."""
        if not self._noted:
            return None
        for entry in good:
            if (note := claimed(name, entry.event)) is not None and note not in self._noted:
                return TamperedJournalError(name, entry.n, f"this host has not {note.k} that")
        return None

    def _mirror(self) -> Finding | None:
        """Verify the mirror's own signatures; None when this host has none."""
        total = 0
        try:
            for line in self.store.mirror.lines():
                known = self._kept.setdefault(line.j, [])
                prev = known[-1] if known else NOTHING_BEFORE
                entry = self.store.codec.open(line.j, len(known) + 1, prev, line.e.encode(), line.s)
                known.append(entry.hash)
                total += 1
        except StoreError as error:
            return Finding("mirror", total, error)
        return Finding("mirror", total) if total else None


def _unaccounted(name: str, entries: Sequence[Recorded[AnyEvent]]) -> StoreError | None:
    found = first_unaccounted(entry.event for entry in entries)
    return TamperedJournalError(name, found.position, found.why) if found else None
