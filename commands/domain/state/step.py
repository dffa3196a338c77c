"""What the journal knows of one step."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from commands.domain.proof import ProofItem
from commands.domain.state.status import StepStatus
from commands.domain.text import Text


@dataclass(frozen=True, slots=True)
class StepRecord:
    """One step's history so far. `before` is what was captured before its first effect.

    `taken_up`: an executor died inside it, and the next one probed it.
    """

    number: int
    status: StepStatus = StepStatus.PENDING
    attempt: int = 0
    before: dict[str, str] = field(default_factory=dict)
    started_at: datetime | None = None
    ended_at: datetime | None = None
    seconds: float | None = None
    detail: Text | None = None
    error: Text | None = None
    proof: tuple[ProofItem, ...] = ()
    marked_by: tuple[str, ...] = ()
    taken_up: bool = False
