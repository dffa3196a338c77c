"""What a reader knows of each journal, without any I/O: both shells of the journal share it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeAlias, TypeVar

import redis

from commands.domain.errors import JournalConflictError, StateLostError, TamperedJournalError
from commands.store.codec import NOTHING_BEFORE, Codec, Recorded, Sealed
from commands.store.keys import ENVIRONMENT_JOURNAL, names_key, stream_key

E = TypeVar("E")

RawEntry: TypeAlias = tuple[bytes, Mapping[bytes, bytes]]
"""A stream entry as redis-py gives it: id and fields."""

Part: TypeAlias = tuple[str, int, Sequence[E]]
"""Journal name, the length the caller decided on, what to append."""

DONE, CONFLICT, REMOVED = 0, 1, 2
"""What `append.lua` answers first."""


@dataclass(frozen=True, slots=True)
class Append:
    """One call of `append.lua`, ready to be sent (again, if a reply is lost)."""

    keys: list[str]
    args: list[str | int | bytes]
    parts: list[tuple[str, int, list[Sealed]]]


@dataclass(slots=True)
class Chains(Generic[E]):
    """Verified hashes of every journal read so far, by name; entry n's hash is at n - 1.

    Grows by 64 bytes or so an entry, which lets a reader begin anywhere in what is verified and
    notice when what it once read has changed.
    """

    codec: Codec[E]
    _hashes: dict[str, list[str]] = field(default_factory=dict)

    def verified(self, name: str) -> int:
        """How many entries of a journal have been verified."""
        return len(self._hashes.get(name, ()))

    def forget(self, name: str) -> None:
        """Verify this journal from its first entry next time."""
        self._hashes.pop(name, None)

    def accept_after(
        self, name: str, after: int, start: int, entries: Sequence[RawEntry]
    ) -> list[Recorded[E]]:
        """Verify entries `start + 1` and on, and hand out those after `after`.

        Raises as `accept`, and `StateLostError` when there are not even `after` of them: the
        caller has seen more than there is.
        """
        recorded = self.accept(name, start, entries)
        if start + len(recorded) < after:
            raise StateLostError(name, after, start + len(recorded))
        return recorded[after - start :]

    def accept(self, name: str, after: int, entries: Sequence[RawEntry]) -> list[Recorded[E]]:
        """Verify entries `after + 1` and on; `after` must be within what is verified.

        Raises `TamperedJournalError` or `UnknownEventError`; what came before stays verified.
        """
        known = self._hashes.setdefault(name, [])
        recorded: list[Recorded[E]] = []
        for position, (entry_id, fields) in enumerate(entries, start=after + 1):
            if entry_id != f"{position}-0".encode():
                raise TamperedJournalError(name, position, f"found {entry_id.decode()} instead")
            prev = known[position - 2] if position > 1 else NOTHING_BEFORE
            raw, signature = fields.get(b"e", b""), fields.get(b"s", b"").decode(errors="replace")
            entry = self.codec.open(name, position, prev, raw, signature)
            if position <= len(known):
                if known[position - 1] != entry.hash:
                    raise TamperedJournalError(name, position, "differs from what was read before")
            else:
                known.append(entry.hash)
            recorded.append(entry)
        return recorded

    def check_whole(self, name: str, info: object, seen: int) -> None:
        """Raise unless this can be the journal of which `seen` entries were verified.

        `info` is what XINFO STREAM answered, or the error it gave; a missing stream is empty.
        `seen` dates from before the question, for another task may have verified more since.
        """
        if isinstance(info, redis.ResponseError) and "no such key" in str(info):
            info = {"length": 0, "last-generated-id": b"0-0"}
        if isinstance(info, Exception):
            raise info
        assert isinstance(info, dict)  # noqa: S101 -- what redis-py gives for XINFO STREAM
        found = int(info["length"])
        # Removing entries leaves the highest id that was ever given out; emptying does not.
        if info["last-generated-id"] != f"{found}-0".encode():
            raise TamperedJournalError(name, found + 1, "entries were removed")
        if found < seen:
            raise StateLostError(name, seen, found)

    def is_first(self, append: Append, entries: Sequence[RawEntry]) -> bool:
        """Whether `entries` begin with what `append` wanted to write: it was written already."""
        sealed = next((part[2] for part in append.parts if part[2]), [])
        return bool(sealed and entries) and entries[0][1].get(b"h") == sealed[0].hash.encode()

    def prepare(self, batch: Sequence[Part[E]], at: datetime) -> Append:
        """Seal a batch whose journals are verified at least up to the expected lengths.

        Raises `JournalConflictError` when one is known to be longer, or not to be so long.
        """
        keys = [names_key(self.codec.environment)]
        args: list[str | int | bytes] = []
        parts = []
        for name, expected, events in batch:
            if (known := self.verified(name)) != expected:
                raise JournalConflictError(name, expected, known)
            head = self._hashes[name][-1] if expected else NOTHING_BEFORE
            sealed = self._seal(name, expected, head, events, at)
            keys.append(stream_key(self.codec.environment, name))
            args += ["" if name == ENVIRONMENT_JOURNAL else name, expected, head, len(sealed)]
            for entry in sealed:
                args += [entry.raw, entry.signature, entry.hash]
            parts.append((name, expected, sealed))
        if len(set(keys)) != len(keys):
            raise ValueError("a batch names a journal once")
        return Append(keys, args, parts)

    def appended(self, append: Append) -> dict[str, int]:
        """Note that a batch is in; returns each journal's new length."""
        lengths = {}
        for name, expected, sealed in append.parts:
            known = self._hashes.setdefault(name, [])
            if len(known) == expected:  # A concurrent read may have seen it already.
                known.extend(entry.hash for entry in sealed)
            lengths[name] = expected + len(sealed)
        return lengths

    def judge(self, append: Append, answer: Sequence[int]) -> None:
        """Raise what the script's answer means, unless it is success."""
        if answer[0] == DONE:
            return
        name, expected, _ = append.parts[int(answer[1]) - 1]
        actual = int(answer[2])
        if answer[0] == REMOVED:
            raise TamperedJournalError(name, actual + 1, "entries were removed")
        if actual < expected:  # As many were verified when the batch was prepared.
            raise StateLostError(name, expected, actual)
        if actual == expected:
            raise TamperedJournalError(name, actual, "differs from what was read before")
        raise JournalConflictError(name, expected, actual)

    def _seal(
        self, name: str, expected: int, head: str, events: Sequence[E], at: datetime
    ) -> list[Sealed]:
        sealed: list[Sealed] = []
        for n, event in enumerate(events, start=expected + 1):
            entry = self.codec.seal(name, n, at, head, event)
            sealed.append(entry)
            head = entry.hash
        return sealed
