"""What every channel of the environment hears: it began, it is over, it needs people."""

from __future__ import annotations

from collections.abc import Iterator

from bot.cards import parts
from bot.cards.buttons import buttons
from bot.cards.rollback import TONES, status_line
from bot.cards.view import View, trimmed
from commands.domain.conversation import Block, Card, Paragraph, Tone
from commands.domain.state import Status


def started_card(view: View) -> Card:
    """The incident is announced when production begins to change."""
    words, state = view.words, view.state
    line = words.say(
        "card.started",
        environment=view.environment.title,
        target=view.target,
        person=words.name(state.requester),
        people=tuple(words.name(p) for p in state.approvers),
    )
    return Card(
        plain=f"{view.title}: {line}",
        headline=words.say("card.incident", environment=view.environment.title),
        tone=Tone.WARNING,
        blocks=(Paragraph(line), *parts.reason(view)),
        footer=words.at(state.started_at),
    )


def resolved_card(view: View) -> Card:
    """The announcement of the end: proven, walked back, or left as it is."""
    words, state = view.words, view.state
    line = status_line(view)
    good = state.status is Status.SUCCEEDED
    key = "card.resolved" if good else "card.ended"
    blocks: tuple[Block, ...] = (Paragraph(line), *parts.proof(view))
    if good:
        blocks = (*blocks, *_rto(view))
    return Card(
        plain=f"{view.title}: {line}",
        headline=words.say(key, environment=view.environment.title, target=view.target),
        tone=Tone.GOOD if good else Tone.WARNING,
        blocks=blocks,
        footer=words.at(state.ended_at),
    )


def _rto(view: View) -> Iterator[Block]:
    words, state = view.words, view.state
    total = parts.seconds_between(state.requested_at, state.ended_at)
    if total is None:
        return
    goal = view.runbook.budgets.total_s
    key = "card.rto_met" if total <= goal else "card.rto_missed"
    yield Paragraph(words.say(key, total=words.took(total), goal=words.took(goal)))


def attention_card(view: View) -> Card:
    """A new message, so that phones ring: what is wrong and what can be done now."""
    words, state = view.words, view.state
    line = status_line(view)
    blocks: list[Block] = [Paragraph(line)]
    if state.status.waits_for_people:
        blocks += _half_done(view)
        blocks.append(Paragraph(words.say("card.who_may", people=_who(view))))
    return Card(
        plain=f"{view.title}: {line}",
        headline=view.title,
        tone=TONES.get(state.status, Tone.WARNING),
        blocks=tuple(blocks),
        buttons=buttons(view) if state.status.waits_for_people else (),
    )


def _half_done(view: View) -> Iterator[Block]:
    blocked, words = view.state.blocked(), view.words
    if blocked is None:
        return
    record = view.state.record(blocked.number)
    error = trimmed(words.tell(record.error), 500) if record.error else ""
    yield Paragraph(error, title=parts.step_title(words, blocked))


def _who(view: View) -> tuple[str, ...]:
    row = view.runbook.escalation.get(view.state.request.row)
    roles = row.roles if row else ()
    return tuple(f"{view.words.role(r)} ({view.words.holders(r)})" for r in roles)


def step_card(view: View, number: int) -> Card:
    """One step's details, for the thread: how it ended and the tail of what it printed."""
    words, state = view.words, view.state
    planned = state.plan.step(number) if state.plan else None
    record = state.record(number)
    title = parts.step_title(words, planned) if planned else str(number)
    said = record.error or record.detail
    text = words.tell(said) if said else ""
    tone = Tone.BAD if record.error else Tone.NEUTRAL
    return Card(f"{state.id} · {title}: {trimmed(text, 150)}", title, tone, (Paragraph(text),))
