"""What the worker host itself derived and saw of each rollback: its own word, not the journal's.

Who holds the journal's key (the bot's host does) can write every entry, also one that replaces the
plan of a rollback that runs. Nobody but the worker's host can write here.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from commands.domain.errors import TamperedJournalError
from commands.domain.events import AnyEvent, ExecutionStarted, Planned, StepIntended
from commands.domain.plan import digest_of
from commands.store.append_only import AppendOnlyFile
from commands.store.codec import canonical_json


@dataclass(frozen=True, slots=True)
class OwnWord:
    """What this host says of one rollback.

    `plan` is the digest of the plan that it derived last ("" for none), `started` whether it then
    found that plan unchanged and approved. `captured` holds, by step, fingerprints of the states
    that it saw before its own effects.
    """

    plan: str = ""
    started: bool = False
    captured: Mapping[int, frozenset[str]] = field(default_factory=dict)

    def saw(self, step: int, before: Mapping[str, str]) -> bool:
        """Whether this host itself captured that state before that step."""
        return digest_of(dict(before)) in self.captured.get(step, ())


class Note(BaseModel):
    """One line of the file: rollback, what was done, step (0 for none), digest."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    r: str
    k: Literal["planned", "started", "captured"]
    s: int = 0
    d: str

    def after(self, said: OwnWord) -> OwnWord:
        """What the host says with this note as well."""
        match self.k:
            case "planned":
                # Step numbers of another plan mean other steps.
                return OwnWord(plan=self.d)
            case "started":
                return replace(said, plan=self.d, started=True)
            case "captured":
                seen = said.captured.get(self.s, frozenset()) | {self.d}
                return replace(said, captured={**said.captured, self.s: seen})


def claimed(rollback_id: str, event: AnyEvent) -> Note | None:
    """The note that a worker's host made, if this entry of a journal is its own."""
    match event:
        case Planned():
            return Note(r=rollback_id, k="planned", d=event.plan.digest())
        case ExecutionStarted():
            return Note(r=rollback_id, k="started", d=event.plan_digest)
        case StepIntended() if event.before:
            seen = digest_of(dict(event.before))
            return Note(r=rollback_id, k="captured", s=event.step, d=seen)
    return None


@dataclass(slots=True)
class Witness:
    """The notes of one environment's worker. On the disk on return; safe to repeat.

    `redact` is what the journal does to a state before it remembers it. Raises
    `TamperedJournalError` for a file that nobody of ours wrote, and OSError.
    """

    state_dir: Path
    environment: str
    redact: Callable[[object], object]
    _said: dict[str, OwnWord] = field(default_factory=dict)
    _file: AppendOnlyFile = field(init=False)

    def __post_init__(self) -> None:
        """Nothing is opened yet."""
        self._file = AppendOnlyFile(self.path, "witness", self._learn)

    @property
    def path(self) -> Path:
        """One JSON object a line; digests only, so nothing secret."""
        return self.state_dir / f"{self.environment}.witness.jsonl"

    def planned(self, rollback_id: str, digest: str) -> None:
        """This host derived a plan; what it captured for an earlier one counts no longer."""
        self._write(Note(r=rollback_id, k="planned", d=digest))

    def started(self, rollback_id: str, digest: str) -> None:
        """This host derived the same plan again, and found it approved."""
        self._write(Note(r=rollback_id, k="started", d=digest))

    def captured(self, rollback_id: str, step: int, before: Mapping[str, str]) -> None:
        """This host saw that state; called before the journal is told, and before the effect."""
        if before:
            seen = digest_of(self.redact(dict(before)))
            self._write(Note(r=rollback_id, k="captured", s=step, d=seen))

    def notes(self) -> tuple[Note, ...]:
        """Everything that was ever noted here, oldest first, for an audit."""
        with self._file.locked() as fd:
            whole = os.pread(fd, self._file.read_to, 0)
        return tuple(Note.model_validate_json(line) for line in whole.splitlines())

    def says(self, rollback_id: str) -> OwnWord:
        """What this host says of a rollback, by every process of it."""
        self._file.read_on()
        return self._said.get(rollback_id, OwnWord())

    def _write(self, note: Note) -> None:
        with self._file.locked() as fd:
            said = self._said.get(note.r, OwnWord())
            if note.after(said) != said:
                self._file.write(fd, canonical_json(note.model_dump()) + b"\n")

    def _learn(self, line: bytes) -> None:
        try:
            note = Note.model_validate_json(line)
        except ValidationError as error:
            raise TamperedJournalError("witness", 0, f"unreadable line in {self.path}") from error
        self._said[note.r] = note.after(self._said.get(note.r, OwnWord()))
