"""What a worker has to do next for a rollback: a pure function of its state."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from commands.domain.plan import Phase, PlannedStep
from commands.domain.state import RollbackState, Status


class Work(StrEnum):
    """The next thing to do."""

    SURVEY = "survey"
    STEP = "step"
    START = "start"
    FINISH = "finish"
    REVERT = "revert"
    FINISH_UNDO = "finish_undo"
    STOP = "stop"
    DROP_KEPT = "drop_kept"


@dataclass(frozen=True, slots=True)
class Due:
    """One piece of work; `step` for `STEP` and `REVERT`."""

    work: Work
    step: PlannedStep | None = None


def due(state: RollbackState) -> Due | None:
    """The next piece of work, or None when people or time must act first."""
    match state.status:
        case Status.REQUESTED:
            return Due(Work.SURVEY)
        case Status.PLANNED | Status.APPROVED:
            return _before_execution(state)
        case Status.EXECUTING | Status.VERIFYING:
            return _forward(state)
        case Status.UNDOING:
            return _back(state)
        case status if status.ended:
            return _step(state, Phase.CLEAN_UP) or _let_go(state)
        case _:
            return None


def work_due(state: RollbackState) -> bool:
    """Whether a worker has something to do."""
    return due(state) is not None


def _before_execution(state: RollbackState) -> Due | None:
    preparing = _step(state, Phase.PREPARE)
    if preparing is not None:
        return preparing
    return Due(Work.START) if state.status is Status.APPROVED else None


def _forward(state: RollbackState) -> Due:
    if state.stop_asked_by is not None and not state.in_flight:
        return Due(Work.STOP)
    return _step(state, Phase.EXECUTE, Phase.VERIFY) or Due(Work.FINISH)


def _back(state: RollbackState) -> Due:
    if state.stop_asked_by is not None and not state.in_flight:
        return Due(Work.STOP)
    step = state.to_revert()
    return Due(Work.REVERT, step) if step else Due(Work.FINISH_UNDO)


def _let_go(state: RollbackState) -> Due | None:
    """After the clean-up: what people approved to let go of."""
    ordered = state.drop_kept_by and not state.kept_dropped
    return Due(Work.DROP_KEPT) if ordered else None


def _step(state: RollbackState, *phases: Phase) -> Due | None:
    step = state.pending(*phases)
    if step is not None and state.record(step.number).status == "failed":
        # A failed clean-up is told and left to people; every other failure left this status.
        return None
    return Due(Work.STEP, step) if step else None
