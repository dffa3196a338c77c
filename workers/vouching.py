"""What this host vouches for, before every step: its own plan, its own start, what it saw itself.

The journal's key proves who may write, not who did: the bot's host holds it too. So the worker
goes on only with the plan that it derived itself, and back only to states that it captured itself.
"""

from __future__ import annotations

import structlog

from commands.domain.due import Due, Work
from commands.domain.events import PlanChanged, RollbackEvent, StepFailed, Stopped
from commands.domain.plan import Phase
from commands.domain.state import RollbackState
from commands.domain.text import Text, text
from commands.store.book import Book
from commands.store.witness import OwnWord, Witness

log = structlog.get_logger()

SERVES_NOBODY = (Phase.PREPARE, Phase.CLEAN_UP)
"""Phases of a rollback that need not have been started."""


def unvouched(book: Book, witness: Witness, state: RollbackState, work: Due) -> bool:
    """Whether it does not go on here; then the journal says why, and so does the log.

    Safe to repeat. Raises what appending raises.
    """
    if work.step is None and work.work is not Work.FINISH_UNDO:
        return False
    phase, number = (work.step.phase, work.step.number) if work.step else (None, 0)
    why = doubt(state, witness.says(state.id), phase)
    if why is None:
        return False
    log.error("journal_not_vouched_for", rollback=state.id, step=number, why=why.key)
    book.append(state, refusal(state, number, why))
    return True


def doubt(state: RollbackState, said: OwnWord, phase: Phase | None) -> Text | None:
    """Why this host does not vouch for what the journal has it do next; None when it does.

    `phase` is of the step that is due, None for the end of a walk back.
    """
    if state.plan is None or state.plan.digest() != said.plan:
        return text("step.plan_not_ours")
    if phase not in SERVES_NOBODY and not said.started:
        return text("step.start_not_ours")
    for number, record in sorted(state.steps.items()):
        if record.before and not said.saw(number, record.before):
            return text("step.before_not_ours", step=number)
    return None


def refusal(state: RollbackState, step: int, why: Text) -> RollbackEvent:
    """What the journal is told instead of the step."""
    if state.status.moving:
        return Stopped(before_step=step, why=why)
    if state.status.ended:
        return StepFailed(step=step, seconds=0.0, error=why)
    # Nobody has been served by it yet: the host plans for itself, and people are asked anew.
    return PlanChanged(old_digest=state.plan_digest, new_digest="", changes=(why,))
