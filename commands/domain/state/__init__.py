"""State is a fold over events: of one rollback, of one environment. No other memory."""

from commands.domain.state.environment import (
    Deploy,
    EnvironmentState,
    Freeze,
    OpenRollback,
    Slot,
)
from commands.domain.state.fold import fold
from commands.domain.state.fold_environment import fold_environment
from commands.domain.state.question import Approval, Question, match_slots
from commands.domain.state.rollback import RollbackState
from commands.domain.state.status import Status, StepStatus
from commands.domain.state.step import StepRecord

__all__ = [
    "Approval",
    "Deploy",
    "EnvironmentState",
    "Freeze",
    "OpenRollback",
    "Question",
    "RollbackState",
    "Slot",
    "Status",
    "StepRecord",
    "StepStatus",
    "fold",
    "fold_environment",
    "match_slots",
]
