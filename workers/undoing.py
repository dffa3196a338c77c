"""What must hold before a rollback is walked back: nobody has changed since what it changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from commands.domain.errors import RollbotError
from commands.domain.events import StepFailed, StepInDoubt
from commands.domain.plan import Phase, PlannedStep
from commands.domain.state import RollbackState, StepStatus
from workers.steps.progress import Step


def hindrance(
    state: RollbackState, due: PlannedStep, build: Callable[[PlannedStep, RollbackState], Step]
) -> StepInDoubt | StepFailed | None:
    """Why the walk back must not go on to the step that is due; None when it may.

    Every step that is still to be reverted is looked at, not only the one that is due: a deploy
    that came since is noticed before the first effect, so that nothing is left half undone.
    """
    begun = any(r.status is StepStatus.REVERTED for r in state.steps.values())
    if begun and not state.record(due.number).before:
        # It has no effect to take back, and all was looked at when the walk began.
        return None
    for planned in _still_to_revert(state):
        number = planned.number
        try:
            why = build(planned, state).changed_since(state.record(number).before)
        except RollbotError as error:
            return StepFailed(step=number, direction="back", seconds=0.0, error=error.text)
        if why is not None:
            return StepInDoubt(step=number, direction="back", why=why)
    return None


def _still_to_revert(state: RollbackState) -> Iterator[PlannedStep]:
    for planned in reversed(state.planned(Phase.EXECUTE, Phase.VERIFY)):
        record = state.record(planned.number)
        if record.status.touched and record.before:
            yield planned
