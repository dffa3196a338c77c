"""What the worker host keeps of the journals it acts on: an append-only file of its own.

Redis may be emptied, or put back from an old copy; then the mirror is how the worker knows, and
why a number such as RB-17 is never given out twice.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, ValidationError

from commands.domain.errors import StateLostError, TamperedJournalError
from commands.domain.observed import JournalMark
from commands.store.append_only import AppendOnlyFile
from commands.store.codec import Recorded, canonical_json
from commands.store.keys import ENVIRONMENT_JOURNAL

_NUMBER = re.compile(r"RB-(\d{1,9})")


class MirroredEntry(BaseModel):
    """One mirrored entry: journal, position, hash, stored text, signature."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    j: str
    n: int
    h: str
    e: str
    s: str


class Reader(Protocol):
    """`Journal`, or the fake of it."""

    def read(self, name: str, after: int = 0) -> Sequence[Recorded[Any]]: ...


@dataclass(slots=True)
class Mirror:
    """The mirror of one environment. Processes may share the file; it only ever grows.

    Its reader knows the hash of every entry mirrored, 100 bytes or so each.
    """

    state_dir: Path
    environment: str
    _hashes: dict[str, list[str]] = field(default_factory=dict)
    _file: AppendOnlyFile = field(init=False)

    def __post_init__(self) -> None:
        """Nothing is opened yet."""
        self._file = AppendOnlyFile(self.path, "mirror", self._learn)

    @property
    def path(self) -> Path:
        """One JSON object a line, in the order in which the worker saw the entries."""
        return self.state_dir / f"{self.environment}.journal.jsonl"

    def copy(self, reader: Reader, journal: str) -> None:
        """Write down everything of a journal that is not yet; see `keep`.

        The last mirrored entry is read again: by the chain of hashes it speaks for all before it.
        Raises what reading raises, too.
        """
        seen = self.length(journal)
        after = max(seen - 1, 0)
        self.keep(journal, reader.read(journal, after), after, seen)

    def keep(
        self,
        journal: str,
        recorded: Sequence[Recorded[Any]],
        after: int = 0,
        seen: int | None = None,
    ) -> None:
        """Write down entries `after + 1` and on, which are *all* that Redis has from there.

        `seen` is how long the mirror was before Redis was asked: what another process appended
        and mirrored meanwhile is no loss. They are on the disk when this returns; call it before
        the effect. Safe to repeat. Raises `StateLostError` when the journal is shorter than it
        was seen before, and `TamperedJournalError` when it differs; nothing is written then.
        """
        with self._file.locked() as fd:
            known = self._hashes.setdefault(journal, [])
            found = after + len(recorded)
            if found < (len(known) if seen is None else seen) or after > len(known):
                raise StateLostError(journal, len(known), found)
            for entry in recorded:
                if entry.n <= len(known) and known[entry.n - 1] != entry.hash:
                    raise TamperedJournalError(journal, entry.n, "differs from the mirror")
            if new := [entry for entry in recorded if entry.n > len(known)]:
                self._file.write(fd, b"".join(_line(journal, entry) for entry in new))

    def length(self, journal: str) -> int:
        """How many entries of a journal are mirrored."""
        self._file.read_on()
        return len(self._hashes.get(journal, ()))

    def hashes(self) -> dict[str, tuple[str, ...]]:
        """Every mirrored entry's hash by journal, to be compared with Redis by an audit."""
        self._file.read_on()
        return {name: tuple(known) for name, known in self._hashes.items() if known}

    def lines(self) -> tuple[MirroredEntry, ...]:
        """Every mirrored entry as it stands in the file, unverified, for an audit.

        Raises `TamperedJournalError` for a line that nobody of ours wrote.
        """
        with self._file.locked() as fd:
            whole = os.pread(fd, self._file.read_to, 0)
        return tuple(MirroredEntry.model_validate_json(line) for line in whole.splitlines())

    def environment_mark(self) -> JournalMark | None:
        """How far this host has seen the environment's journal come; None for not at all."""
        known = self.hashes().get(ENVIRONMENT_JOURNAL)
        return JournalMark(n=len(known), h=known[-1]) if known else None

    def newest(self, most: int) -> tuple[str, ...]:
        """The rollbacks of the highest numbers that this host has seen."""
        found = ((_NUMBER.fullmatch(name), name) for name in self.hashes())
        numbered = sorted((int(number[1]), name) for number, name in found if number)
        return tuple(name for _, name in numbered[-most:])

    def highest_number(self) -> int:
        """The highest rollback number this host has seen: 17 for RB-17, 0 for none."""
        numbers = (_NUMBER.fullmatch(name) for name in self.hashes())
        return max((int(number[1]) for number in numbers if number), default=0)

    def _learn(self, line: bytes) -> None:
        try:
            entry = MirroredEntry.model_validate_json(line)
        except ValidationError as error:
            raise TamperedJournalError("mirror", 0, f"unreadable line in {self.path}") from error
        known = self._hashes.setdefault(entry.j, [])
        if entry.n != len(known) + 1:
            raise TamperedJournalError(entry.j, entry.n, "missing in the mirror before this one")
        known.append(entry.h)


def _line(journal: str, entry: Recorded[Any]) -> bytes:
    sealed = entry.sealed
    line = MirroredEntry(
        j=journal, n=entry.n, h=entry.hash, e=sealed.raw.decode(), s=sealed.signature
    )
    return canonical_json(line.model_dump()) + b"\n"
