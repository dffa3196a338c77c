"""What the bot's host keeps of an environment's journal: how far it had come.

A Redis that was emptied, or put back from an old copy, looks new to a bot that was started anew.
The worker's mirror would refuse to act on it; with this the bot refuses to give out its numbers
once more, and says so, without waiting for a worker.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from commands.domain.errors import StateLostError, TamperedJournalError
from commands.domain.observed import JournalMark
from commands.store.codec import Recorded
from commands.store.keys import ENVIRONMENT_JOURNAL


def compare(mark: JournalMark, found: Sequence[Recorded[Any]]) -> None:
    """Compare a mark with the entries from the marked one on.

    Raises `StateLostError` when there is none, `TamperedJournalError` when it is another.
    """
    if not found:
        raise StateLostError(ENVIRONMENT_JOURNAL, mark.n, mark.n - 1)
    if found[0].hash != mark.h:
        raise TamperedJournalError(ENVIRONMENT_JOURNAL, mark.n, "differs from what was seen")


@dataclass(frozen=True, slots=True)
class HighWater:
    """The mark of one environment, a small file. Processes of a host may share it.

    It is written after the entry is in Redis: a host that dies just in between remembers the
    number before.
    """

    state_dir: Path
    environment: str

    @property
    def path(self) -> Path:
        """One JSON object: the entry that gave out the highest number."""
        return self.state_dir / f"{self.environment}.high-water.json"

    def check(self, whole: Sequence[Recorded[Any]]) -> None:
        """Compare the mark with the whole journal of the environment.

        Raises `StateLostError` when the journal is shorter, `TamperedJournalError` when it
        differs there or the mark cannot be read.
        """
        mark = self._read()
        if mark is None:
            return
        if len(whole) < mark.n:
            raise StateLostError(ENVIRONMENT_JOURNAL, mark.n, len(whole))
        compare(mark, whole[mark.n - 1 :])

    def keep(self, entry: Recorded[Any]) -> None:
        """A number was given out by this entry. On the disk on return; safe to repeat."""
        known = self._read()
        if known is not None and known.n >= entry.n:
            return
        self.state_dir.mkdir(parents=True, exist_ok=True)
        fresh = self.path.with_suffix(f".{os.getpid()}")
        with fresh.open("wb") as file:
            file.write(JournalMark(n=entry.n, h=entry.hash).model_dump_json().encode())
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self.path)

    def _read(self) -> JournalMark | None:
        with suppress(FileNotFoundError):
            try:
                return JournalMark.model_validate_json(self.path.read_bytes())
            except ValidationError as error:
                why = f"unreadable mark in {self.path}"
                raise TamperedJournalError(ENVIRONMENT_JOURNAL, 0, why) from error
        return None
