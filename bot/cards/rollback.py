"""The live card of one rollback, edited in place as it moves."""

from __future__ import annotations

from collections.abc import Iterator

from bot.cards import parts
from bot.cards.buttons import buttons
from bot.cards.view import View, trimmed
from commands.domain.conversation import Block, Card, Paragraph, Tone
from commands.domain.state import Status

TONES = {
    Status.REQUESTED: Tone.WORKING,
    Status.PLANNED: Tone.WAITING,
    Status.APPROVED: Tone.WORKING,
    Status.EXECUTING: Tone.WORKING,
    Status.VERIFYING: Tone.WORKING,
    Status.UNDOING: Tone.WORKING,
    Status.FAILED: Tone.BAD,
    Status.IN_DOUBT: Tone.WARNING,
    Status.STOPPED: Tone.WARNING,
    Status.SUCCEEDED: Tone.GOOD,
    Status.UNDONE: Tone.WARNING,
    Status.NOT_PREPARED: Tone.BAD,
    Status.REFUSED: Tone.BAD,
}


def rollback_card(view: View, *, whole_plan: bool = False) -> Card:
    """What happened, to what, by whom, what it means, what to do next."""
    line = status_line(view)
    return Card(
        plain=f"{view.title}: {line}",
        headline=view.title,
        tone=TONES.get(view.state.status, Tone.NEUTRAL),
        blocks=(Paragraph(line), *_blocks(view, whole_plan=whole_plan)),
        buttons=buttons(view),
        footer=footer(view),
    )


def status_line(view: View) -> str:
    """Where it stands, in one sentence, with what to do next."""
    state, words = view.state, view.words
    params: dict[str, str | tuple[str, ...]] = {
        "person": words.name(state.ended_by or state.requester),
        "requester": words.name(state.requester),
        "reason": words.tell(state.reason) if state.reason else "",
        "deny_reason": trimmed(state.deny_reason) or words.say("card.no_reason"),
        "by": state.superseded_by,
        "expires": words.at(state.question.expires_at) if state.question else "",
        "roles": tuple(words.role(r) for r in state.question.missing) if state.question else (),
        "took": words.took(parts.seconds_between(state.started_at, state.ended_at) or 0),
        "total": words.took(parts.seconds_between(state.requested_at, state.ended_at) or 0),
        "stopper": words.name(state.stop_asked_by),
    }
    return words.say(f"status.{_status_key(view)}", **params)


def _status_key(view: View) -> str:
    state = view.state
    if state.status.moving and state.stop_asked_by is not None:
        return "stopping"
    if state.worker_lost_at is not None and not state.status.ended:
        return "worker_lost"
    if state.status is Status.CANCELLED and state.changed:
        return "abandoned"
    if state.status is Status.CANCELLED and state.reason is not None:
        return "cancelled_because"
    if state.status is Status.FAILED and state.direction == "back":
        return "undo_failed"
    return state.status.value


def _blocks(view: View, *, whole_plan: bool) -> Iterator[Block]:
    state = view.state
    yield from parts.reason(view)
    if state.status in (Status.REFUSED, Status.REQUESTED):
        return
    if state.plan_changes and state.status is Status.PLANNED:
        said = "\n".join(f"• {view.words.tell(change)}" for change in state.plan_changes)
        yield Paragraph(said, title=view.words.say("card.plan_changed"))
    if not state.changed or whole_plan:
        yield from parts.what(view)
    if state.question is not None or state.status is Status.APPROVED:
        yield from parts.asked(view)
    if whole_plan or state.status is Status.REHEARSED:
        yield from parts.all_steps(view)
    else:
        yield from parts.steps(view)
    if state.proof:
        yield from parts.proof(view)
    yield from _after(view)


def _after(view: View) -> Iterator[Block]:
    state, words = view.state, view.words
    if state.status is Status.SUCCEEDED:
        yield Paragraph(words.say("card.frozen", id=state.id))
    if state.closed_at is not None and state.watch_figure is not None:
        title = words.say("card.watched", duration=words.took(view.runbook.timing.watch_s))
        yield Paragraph(words.tell(state.watch_figure), title=title)
    if state.joined:
        people = tuple(words.name(p) for p in state.joined)
        yield Paragraph(words.say("card.joined", people=people))


def footer(view: View) -> str:
    """Small print: who asked and when, who approved."""
    state, words = view.state, view.words
    said = [
        words.say(
            "card.asked_by", person=words.name(state.requester), at=words.at(state.requested_at)
        )
    ]
    if state.approvers:
        people = tuple(words.name(p) for p in state.approvers)
        said.append(words.say("card.approved_by", people=people))
    if state.plan_digest:
        said.append(words.say("card.plan_digest", digest=state.plan_digest[:8]))
    return " · ".join(said)
