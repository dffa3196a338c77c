"""The worker host's own notes in memory, for tests of what uses them.

`tests/contract/test_witness.py` runs one suite on this and on the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from commands.domain.plan import digest_of
from commands.store.witness import Note, OwnWord


@dataclass
class MemoryWitness:
    """`commands.store.witness.Witness` without a disk."""

    said: dict[str, OwnWord] = field(default_factory=dict)

    def planned(self, rollback_id: str, digest: str) -> None:
        self._take(Note(r=rollback_id, k="planned", d=digest))

    def started(self, rollback_id: str, digest: str) -> None:
        self._take(Note(r=rollback_id, k="started", d=digest))

    def captured(self, rollback_id: str, step: int, before: Mapping[str, str]) -> None:
        if before:
            self._take(Note(r=rollback_id, k="captured", s=step, d=digest_of(dict(before))))

    def says(self, rollback_id: str) -> OwnWord:
        return self.said.get(rollback_id, OwnWord())

    def _take(self, note: Note) -> None:
        self.said[note.r] = note.after(self.says(note.r))
