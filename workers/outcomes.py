"""What the journal is told of a step's outcome."""

from __future__ import annotations

from contextlib import suppress

from commands.domain.errors import InDoubtError, JournalConflictError, RollbotError
from commands.domain.events import (
    ApprovalsVoided,
    Direction,
    EvidenceFound,
    RollbackEvent,
    StepFailed,
    StepInDoubt,
)
from commands.domain.plan import Evidence, EvidenceItem, PlannedStep
from commands.domain.state import RollbackState
from commands.domain.text import text
from commands.store.book import Book
from workers.steps.progress import Outcome


def problem(
    planned: PlannedStep, error: RollbotError, seconds: float, direction: Direction = "forward"
) -> StepFailed | StepInDoubt:
    """A failure; or neither before nor after, for which only people have an answer."""
    number = planned.number
    if isinstance(error, InDoubtError):
        return StepInDoubt(step=number, direction=direction, why=error.text)
    return StepFailed(step=number, direction=direction, seconds=seconds, error=error.text)


def tell(book: Book, rollback_id: str, item: EvidenceItem) -> None:
    """Have people know while a step is at work; at worst they do not."""
    state = book.rollback(rollback_id)
    if state is not None and not state.status.ended:
        with suppress(JournalConflictError):
            book.append(state, EvidenceFound(items=(item,)))


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
