"""What the worker intended, did and found, step by step."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from commands.domain.events.event import Direction, Event
from commands.domain.people import PersonId
from commands.domain.proof import ProofItem
from commands.domain.text import Text


class ExecutionStarted(Event):
    """The slot is taken, the plan compared: production changes from here on."""

    kind: Literal["execution_started"] = "execution_started"
    plan_digest: str
    evidence_digest: str
    approvers: tuple[PersonId, ...]


class StepIntended(Event):
    """Written before the effect, with the state captured before it."""

    kind: Literal["step_intended"] = "step_intended"
    step: int
    direction: Direction = "forward"
    attempt: int = 1
    before: dict[str, str] = Field(default_factory=dict)


class StepProbed(Event):
    """After a crash the step was probed: what a probe found decides how it goes on."""

    kind: Literal["step_probed"] = "step_probed"
    step: int
    direction: Direction = "forward"
    found: Literal["untouched", "done", "partial", "in_doubt"]


class StepDone(Event):
    """The step's outcome, read back."""

    kind: Literal["step_done"] = "step_done"
    step: int
    direction: Direction = "forward"
    seconds: float
    detail: Text | None = None
    proof: tuple[ProofItem, ...] = ()


class StepFailed(Event):
    """The step failed; people decide what next."""

    kind: Literal["step_failed"] = "step_failed"
    step: int
    direction: Direction = "forward"
    seconds: float
    error: Text


class StepInDoubt(Event):
    """The probe found neither before nor after: only people may decide."""

    kind: Literal["step_in_doubt"] = "step_in_doubt"
    step: int
    direction: Direction = "forward"
    why: Text | None = None


class StepMarkedDone(Event):
    """People looked and say that the step is done."""

    kind: Literal["step_marked_done"] = "step_marked_done"
    step: int
    direction: Direction = "forward"
    people: tuple[PersonId, ...]


class RetryOrdered(Event):
    """People approved trying the failed step again."""

    kind: Literal["retry_ordered"] = "retry_ordered"
    step: int
    people: tuple[PersonId, ...]


class StopAsked(Event):
    """Somebody asked to stop: the current step is finished first."""

    kind: Literal["stop_asked"] = "stop_asked"
    person: PersonId


class Stopped(Event):
    """Stopped between two steps; people decide what next. `before_step` would be the next.

    `why` when nobody asked for it.
    """

    kind: Literal["stopped"] = "stopped"
    before_step: int
    why: Text | None = None


class UndoStarted(Event):
    """People approved walking back."""

    kind: Literal["undo_started"] = "undo_started"
    people: tuple[PersonId, ...]
