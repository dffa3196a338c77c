"""What every channel of the environment hears: it began, it is over, it needs people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bot.cards import calls, database, parts
from bot.cards.buttons import buttons, take_note
from bot.cards.proof import proof, unmeasured, unread
from bot.cards.rollback import half_done, rto, status_line, tone
from bot.cards.steps import step_title
from bot.cards.view import View, trimmed
from commands.domain.conversation import Block, Button, Card, Code, Paragraph, Tone
from commands.domain.procedure import WATCH_SEEN
from commands.domain.state import Status


def started_card(view: View) -> Card:
    """The incident is announced when production begins to change."""
    words, state = view.words, view.state
    changes = state.plan is not None and state.plan.schema_change is not None
    line = words.say(
        "card.started_database" if changes else "card.started",
        person=words.name(state.requester),
        people=tuple(words.name(p) for p in state.approvers),
    )
    return Card(
        plain=f"{view.title}: {line}",
        headline=_headline(view, "card.incident"),
        tone=Tone.WARNING,
        blocks=(Paragraph(line), *database.page(view), *parts.reason(view)),
        footer=words.at(state.started_at),
        call=calls.announced(view),
    )


def resolved_card(view: View) -> Card:
    """The announcement of the end: proven, walked back, or left as it is."""
    words, state = view.words, view.state
    line = status_line(view)
    return Card(
        plain=f"{view.title}: {line}",
        headline=_headline(view, _ended_key(view)),
        tone=tone(view),
        blocks=(Paragraph(line), *rto(view), *proof(view)),
        footer=words.at(state.ended_at),
        call=calls.announced(view),
    )


def _ended_key(view: View) -> str:
    match view.state.status:
        case Status.SUCCEEDED if unmeasured(view):
            return "card.switched_unmeasured"
        case Status.SUCCEEDED if unread(view):
            return "card.switched_unread"
        case Status.SUCCEEDED:
            return "card.watched_badly" if view.state.watched_badly else "card.resolved"
        case Status.UNDONE:
            return "card.undone"
        case _:
            return "card.ended"


def _headline(view: View, key: str) -> str:
    title, number = view.environment.title, view.state.id
    return view.words.say(key, environment=title, id=number, target=view.target)


def attention_card(view: View) -> Card:
    """A new message, so that phones ring: what is wrong and what can be done now."""
    words, state = view.words, view.state
    line = status_line(view)
    blocks: list[Block] = [Paragraph(line)]
    if state.plan_changes and state.status is Status.PLANNED:
        said = "\n".join(f"• {words.tell(change)}" for change in state.plan_changes)
        blocks.append(Paragraph(said, title=words.say("card.plan_changed")))
    if state.status.waits_for_people:
        blocks += half_done(view)
        blocks.append(Paragraph(words.say("card.who_may", people=_who(view))))
    blocks += _watch(view)
    return Card(
        plain=f"{view.title}: {line}",
        headline=view.title,
        tone=tone(view),
        blocks=tuple(blocks),
        buttons=tuple(_ways_on(view)),
        call=calls.needed(view),
    )


def _watch(view: View) -> Iterator[Block]:
    """It did not hold: who may undo it, and who took note."""
    words, state = view.words, view.state
    if not state.watched_badly:
        return
    yield Paragraph(words.say("card.who_may", people=_who(view)))
    if WATCH_SEEN in state.ticks:
        person, at = state.ticks[WATCH_SEEN]
        yield Paragraph(words.say("card.noted", person=words.name(person), at=words.at(at)))


def _ways_on(view: View) -> Iterator[Button]:
    state = view.state
    if state.status.waits_for_people or state.watched_badly:
        yield from buttons(view)
    if state.watched_badly:
        yield from take_note(view)


def elsewhere_card(view: View) -> Card:
    """The same for a channel without the card: whoever reads it can look, and decide, too."""
    card = attention_card(view)
    hint = Paragraph(view.words.say("card.elsewhere", id=view.state.id))
    return replace(card, blocks=(*card.blocks, hint))


def worker_back_card(view: View) -> Card:
    """What "nobody works" becomes once somebody does again."""
    line = view.words.say("card.worker_back")
    return Card(
        plain=f"{view.title}: {line}",
        headline=view.title,
        tone=Tone.NEUTRAL,
        blocks=(Paragraph(line),),
    )


def went_on_card(view: View) -> Card:
    """What a call for people becomes once they have decided."""
    line = view.words.say("card.went_on", status=status_line(view))
    return Card(
        plain=f"{view.title}: {line}",
        headline=view.title,
        tone=tone(view),
        blocks=(Paragraph(line),),
    )


def _who(view: View) -> tuple[str, ...]:
    row = view.runbook.escalation.get(view.state.request.row)
    roles = row.roles if row else ()
    return tuple(f"{view.words.role(r)} ({view.words.holders(r)})" for r in roles)


def step_card(view: View, number: int) -> Card:
    """One step's details, for the thread: how it ended and the tail of what it printed."""
    words, state = view.words, view.state
    planned = state.plan.step(number) if state.plan else None
    record = state.record(number)
    back = state.direction == "back"
    title = step_title(words, planned, back=back) if planned else str(number)
    said = record.error or record.detail
    first, _, tail = (words.tell(said) if said else "").strip().partition("\n")
    headline = f"{view.environment.title} · {state.id} · {title}"
    blocks: tuple[Block, ...] = (Paragraph(first),)
    if tail.strip():
        blocks = (Paragraph(first), Code(tail))
    return Card(
        plain=f"{headline}: {trimmed(first, 150)}",
        headline=headline,
        tone=Tone.BAD if record.error else Tone.NEUTRAL,
        blocks=blocks,
    )
