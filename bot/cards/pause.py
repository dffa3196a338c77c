"""What every channel hears while Redis has no memory, or is away: what stands, and what to do."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from bot.cards import calls
from bot.cards.steps import step_title
from bot.cards.view import View
from commands.domain.conversation import Card, Paragraph, Tone
from commands.domain.due import due
from commands.domain.plan import PlannedStep
from commands.domain.state import StepStatus

BEGUN = (StepStatus.RUNNING, StepStatus.REVERTING)


def pause_card(view: View, since_at: datetime) -> Card:
    """It stands still: nothing is done that cannot be written first."""
    key, step = _where(view)
    title = step_title(view.words, step, back=view.state.direction == "back") if step else ""
    number = step.number if step else 0
    line = view.words.say(key, id=view.state.id, step=number, title=title)
    card = _card(view, line, Tone.BAD, footer=view.words.at(since_at))
    return replace(card, call=calls.needed(view))


def pause_over_card(view: View, since_at: datetime, over_at: datetime) -> Card:
    """What it becomes once the rollback went on."""
    stood = view.words.took((over_at - since_at).total_seconds())
    line = view.words.say("pause.over", id=view.state.id, stood=stood)
    return _card(view, line, Tone.NEUTRAL, footer=view.words.at(over_at))


def away_card(views: tuple[View, ...], since_at: datetime) -> Card:
    """Redis is away: what runs ends the step it has begun, and waits."""
    card = _of_all(views, "away.standing", Tone.BAD, views[0].words.at(since_at))
    return replace(card, call=calls.needed(views[0]))


def away_over_card(views: tuple[View, ...], since_at: datetime, over_at: datetime) -> Card:
    """What it becomes once Redis answers again."""
    words = views[0].words
    stood = words.took((over_at - since_at).total_seconds())
    return _of_all(views, "away.over", Tone.NEUTRAL, words.at(over_at), stood=stood)


def _of_all(views: tuple[View, ...], key: str, tone: Tone, footer: str, **more: str) -> Card:
    """One message, however many rollbacks it is about."""
    first, *others = views
    line = first.words.say(key, ids=tuple(view.state.id for view in views), **more)
    title = first.environment.title if others else first.title
    return Card(
        plain=f"{title}: {line}",
        headline=title,
        tone=tone,
        blocks=(Paragraph(line),),
        footer=footer,
    )


def _where(view: View) -> tuple[str, PlannedStep | None]:
    state = view.state
    for step in state.plan.steps if state.plan else ():
        if state.record(step.number).status in BEGUN:
            return "pause.in_step", step
    work = due(state)
    if work is not None and work.step is not None:
        return "pause.before_step", work.step
    return ("pause.standing" if state.changed else "pause.untouched"), None


def _card(view: View, line: str, tone: Tone, footer: str) -> Card:
    return Card(
        plain=f"{view.title}: {line}",
        headline=view.title,
        tone=tone,
        blocks=(Paragraph(line),),
        footer=footer,
    )
