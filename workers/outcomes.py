"""What the journal is told of a step's outcome."""

from __future__ import annotations

from commands.domain.errors import InDoubtError, RollbotError
from commands.domain.events import (
    ApprovalsVoided,
    Direction,
    EvidenceFound,
    RollbackEvent,
    StepFailed,
    StepInDoubt,
)
from commands.domain.plan import Evidence, PlannedStep
from commands.domain.state import RollbackState
from commands.domain.text import text
from workers.steps.progress import Outcome


def problem(
    planned: PlannedStep, error: RollbotError, seconds: float, direction: Direction = "forward"
) -> StepFailed | StepInDoubt:
    """A failure; or neither before nor after, for which only people have an answer."""
    number = planned.number
    if isinstance(error, InDoubtError):
        return StepInDoubt(step=number, direction=direction, why=error.text)
    return StepFailed(step=number, direction=direction, seconds=seconds, error=error.text)


def evidence(state: RollbackState, outcome: Outcome) -> list[RollbackEvent]:
    """What a step found out; when that is worse than what people knew, their yes is void.

    Said even when nobody has approved yet: somebody may, on the older card, until it is written.
    """
    found = EvidenceFound(items=outcome.evidence)
    names = {item.name for item in outcome.evidence}
    kept = (item for item in state.evidence.items if item.name not in names)
    now = Evidence(items=tuple(sorted((*kept, *outcome.evidence), key=lambda i: i.name)))
    if now.worse_than(state.evidence) and state.question is not None:
        return [found, ApprovalsVoided(reason=text("approval.evidence_worse"), evidence=now)]
    return [found]
