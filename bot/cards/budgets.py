"""The runbook's time for each stage: what took longer is said while it lasts, and afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from bot.cards import parts
from bot.cards.view import View
from commands.domain.conversation import Block, Paragraph
from commands.domain.plan import Phase, PlannedStep
from commands.domain.procedure import Stage


def identified(view: View) -> Iterator[Block]:
    """From the request to the plan, where that took longer than the runbook gives it."""
    words, state = view.words, view.state
    took = parts.seconds_between(state.requested_at, state.planned_at)
    if over := _over(view, "identify", took or 0.0):
        yield Paragraph(f"{words.say('card.planned_in', took=words.took(took or 0.0))} · {over}")


def overrun(view: View, step: PlannedStep, seconds: float | None) -> str:
    """How far the step's stage is over its budget; on its last step so far, "" on the others.

    `seconds` is what this step took, or has taken until now. Walking back has no stages: there
    each step is held against the budget for itself.
    """
    if seconds is None:
        return ""
    if view.state.direction == "back":
        return _over(view, step.budget, seconds)
    stage = [s for s in view.state.planned(*Phase) if s.budget == step.budget]
    if any(view.state.record(s.number).status.touched for s in stage if s.number > step.number):
        return ""
    before = (view.state.record(s.number).seconds for s in stage if s.number < step.number)
    return _over(view, step.budget, seconds + sum(filter(None, before)))


def _over(view: View, budget: Stage, seconds: float) -> str:
    limit_s, words = _limit_s(view, budget), view.words
    if limit_s is None or seconds <= limit_s:
        return ""
    over, given = words.took(seconds - limit_s), words.took(limit_s)
    return words.say("card.over_budget", over=over, budget=given)


def _limit_s(view: View, budget: Stage) -> float | None:
    given = view.runbook.budgets
    match budget:
        case "identify":
            return given.identify_s
        case "switch":
            return given.switch_s
        case "verify":
            return given.verify_s
        case "none":
            return None
    assert_never(budget)
