"""The runbook's checklist after a rollback, and what to do afterwards."""

from __future__ import annotations

from collections.abc import Iterator

from bot.cards.buttons import tick
from bot.cards.proof import TICKS
from bot.cards.view import View
from commands.domain.conversation import (
    Block,
    Button,
    Card,
    CheckLine,
    Checklist,
    Paragraph,
    Tick,
    Tone,
)
from commands.domain.proof import CheckResult, Verdict
from commands.domain.runbook import ChecklistPoint
from commands.domain.state import Status


def checklist_card(view: View) -> Card:
    """What a machine checked is ticked with its figure; the rest is for people."""
    words = view.words
    points = view.runbook.checklist
    lines = tuple(_line(view, point) for point in points)
    done = sum(line.tick is Tick.DONE for line in lines)
    title = words.say("checklist.title", done=done, of=len(lines))
    whole = done == len(lines)
    return Card(
        plain=f"{view.title}: {title}",
        headline=f"{view.title} · {title}",
        tone=Tone.GOOD if whole else Tone.WAITING,
        blocks=(Checklist("", lines), *_dashboard(view)),
        buttons=tuple(_buttons(view)),
        footer=words.say("checklist.done" if whole else "checklist.hint"),
    )


def _buttons(view: View) -> Iterator[Button]:
    """None once the rollback was undone: there is nothing left to confirm."""
    if view.state.status is Status.SUCCEEDED:
        for point in view.runbook.checklist:
            if (button := _button(view, point)) is not None:
                yield button


def _dashboard(view: View) -> Iterator[Block]:
    """Where the figures that nobody measured can be seen."""
    if url := view.runbook.dashboard_url:
        yield Paragraph(view.words.say("checklist.dashboard", url=url))


def _result(view: View, point: ChecklistPoint) -> CheckResult | None:
    if point.confirmed_by != "machine":
        return None
    return next((c for c in view.state.checks if c.check == point.check), None)


def _line(view: View, point: ChecklistPoint) -> CheckLine:
    words, title = view.words, point.title.say(view.language)
    result, ticked = _result(view, point), view.state.ticks.get(point.id)
    if ticked is not None:
        person, at = ticked
        note = words.say("checklist.ticked", person=words.name(person), at=words.at(at))
        return CheckLine(Tick.DONE, title, note)
    if point.confirmed_by == "person":
        return CheckLine(Tick.OPEN, title, words.say("checklist.by_person"))
    if result is None:
        return CheckLine(Tick.UNKNOWN, title, _look_yourself(view, point))
    figure = words.tell(result.figure) if result.figure else ""
    return CheckLine(TICKS[result.verdict], title, figure)


def _look_yourself(view: View, point: ChecklistPoint) -> str:
    """Nothing was measured: say where to look, if the runbook knows."""
    if point.hint is None:
        return view.words.say("checklist.not_measured")
    return view.words.say("checklist.not_measured_hint", hint=point.hint.say(view.language))


def _button(view: View, point: ChecklistPoint) -> Button | None:
    result = _result(view, point)
    if result is not None and result.verdict is Verdict.OK:
        return None
    done = point.id in view.state.ticks
    return tick(view, point.id, point.title.say(view.language), done=done)


def follow_ups_card(view: View) -> Card:
    """The post-rollback actions of the runbook, by time span."""
    words = view.words
    title = words.say("checklist.follow_ups")
    blocks = tuple(
        Paragraph(
            "\n".join(f"☐ {action.say(view.language)}" for action in span.actions),
            title=span.within.say(view.language),
        )
        for span in view.runbook.follow_ups
    )
    headline = f"{view.environment.title} · {view.state.id} · {title}"
    return Card(headline, headline, Tone.NEUTRAL, blocks)
