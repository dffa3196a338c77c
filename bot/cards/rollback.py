"""The live card of one rollback, edited in place as it moves."""

from __future__ import annotations

from collections.abc import Iterator

from bot.cards import database, parts
from bot.cards.budgets import identified
from bot.cards.buttons import buttons
from bot.cards.proof import TICKS, proof, unmeasured, unread
from bot.cards.standing import left_with
from bot.cards.steps import all_steps, step_title, steps
from bot.cards.view import View, first_line, trimmed
from commands.domain.conversation import (
    Block,
    Card,
    CheckLine,
    Checklist,
    Fields,
    Paragraph,
    Tone,
)
from commands.domain.people import Scenario
from commands.domain.plan import Phase
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
        tone=tone(view),
        blocks=(Paragraph(line), *_blocks(view, whole_plan=whole_plan)),
        buttons=buttons(view),
        footer=footer(view),
    )


def tone(view: View) -> Tone:
    """How the state feels; half-done and abandoned is no quiet end."""
    state = view.state
    if state.worker_lost_at is not None and not state.status.ended:
        return Tone.WARNING
    if state.status is Status.CANCELLED and state.changed:
        return Tone.WARNING
    doubted = unmeasured(view) or unread(view) or state.watched_badly
    if state.status is Status.SUCCEEDED and doubted:
        return Tone.WARNING
    return TONES.get(state.status, Tone.NEUTRAL)


def status_line(view: View) -> str:
    """Where it stands, in one or two sentences."""
    state, words = view.state, view.words
    if _status_key(view).startswith("worker_lost") and state.worker_lost_why is not None:
        return words.tell(state.worker_lost_why)
    total = parts.seconds_between(state.requested_at, state.ended_at)
    params: dict[str, str | tuple[str, ...]] = {
        "person": words.name(state.ended_by or state.requester),
        "requester": words.name(state.requester),
        "reason": first_line(words.tell(state.reason)) if state.reason else "",
        "deny_reason": trimmed(state.deny_reason) or words.say("card.no_reason"),
        "by": state.superseded_by,
        "expires": words.at(state.question.expires_at) if state.question else "",
        "roles": tuple(words.role(r) for r in state.question.missing) if state.question else (),
        "took": words.took(parts.seconds_between(state.started_at, state.ended_at) or 0),
        "total": words.took(total or 0),
        "stopper": words.name(state.stop_asked_by),
        "runs": left_with(view),
        "words": _typed(view),
        "unmeasured": unmeasured(view),
        "unread": unread(view),
        "watched": words.tell(state.watch_figure) if state.watch_figure else "",
        "step": _blocked_title(view),
    }
    return words.say(f"status.{_status_key(view)}", **params)


def _typed(view: View) -> str:
    """The rollback as one types it: `api,worker v1.2.3`, `db -1`."""
    request = view.state.request
    match request.scenario:
        case Scenario.DATABASE:
            return f"db {request.revision}"
        case Scenario.RESTORE:
            return f"restore {request.backup or 'latest'}"
        case _:
            more = " --restore-db" if request.restore_db else ""
            return f"{request.subject.replace(', ', ',')} {view.version or '--auto'}{more}"


def _blocked_title(view: View) -> str:
    blocked = view.state.blocked() if view.state.status.waits_for_people else None
    if blocked is None:
        return ""
    return step_title(view.words, blocked, back=view.state.direction == "back")


def _prepares(view: View) -> bool:
    """Everybody agreed before the backup was proven: production waits for that."""
    state = view.state
    changes = state.plan is not None and state.plan.schema_change is not None
    waits = state.pending(Phase.PREPARE) is not None
    return state.status is Status.APPROVED and changes and waits


def _status_key(view: View) -> str:
    state, status = view.state, view.state.status
    because = status in (Status.CANCELLED, Status.STOPPED) and state.reason is not None
    lost = state.worker_lost_at is not None and not status.ended
    special = {
        "worker_lost_database": lost and state.request.changes_database,
        "worker_lost": lost,
        "stopping": status.moving and state.stop_asked_by is not None,
        "abandoned": status is Status.CANCELLED and state.changed,
        f"{status.value}_because": because,
        "expired_approved": status is Status.EXPIRED and state.approved_at is not None,
        "planned_anew": status is Status.PLANNED and bool(state.plan_changes),
        "approved_preparing": _prepares(view),
        "succeeded_ill": state.watched_badly,
        "succeeded_unmeasured": status is Status.SUCCEEDED and bool(unmeasured(view)),
        "succeeded_unread": status is Status.SUCCEEDED and bool(unread(view)),
        "undo_failed": status is Status.FAILED and state.direction == "back",
    }
    return next((key for key, holds in special.items() if holds), status.value)


def _blocks(view: View, *, whole_plan: bool) -> Iterator[Block]:
    state = view.state
    early = state.status in (Status.REFUSED, Status.REQUESTED)
    if early or not state.changed:
        yield from parts.reason(view)
    if early:
        return
    if state.plan_changes and state.status is Status.PLANNED:
        said = "\n".join(f"• {view.words.tell(change)}" for change in state.plan_changes)
        yield Paragraph(said, title=view.words.say("card.plan_changed"))
    if state.status.undecided or state.status is Status.REHEARSED or whole_plan:
        yield from parts.what(view)
        yield from identified(view)
    if state.question is not None or state.status is Status.APPROVED:
        yield from parts.asked(view)
    yield from half_done(view)
    yield from _result(view)
    yield from _progress(view, whole_plan=whole_plan)
    yield from _after(view)


def half_done(view: View) -> Iterator[Block]:
    """What production is left with while people decide."""
    if view.state.status.waits_for_people:
        yield Fields(((view.words.say("card.now"), left_with(view)),))


def _progress(view: View, *, whole_plan: bool) -> Iterator[Block]:
    state = view.state
    if whole_plan or state.status is Status.REHEARSED:
        yield from all_steps(view)
    elif state.changed or not state.status.ended or state.status is Status.NOT_PREPARED:
        yield from steps(view)


def _result(view: View) -> Iterator[Block]:
    """What was proven, how fast it was, and how it went afterwards."""
    state, words = view.state, view.words
    yield from rto(view)
    if state.proof and state.status.ended:
        yield from proof(view)
    yield from database.kept(view)
    if state.closed_at is not None and state.watch_verdict is not None:
        title = words.say("card.watched", duration=words.took(view.runbook.timing.watch_s))
        figure = words.tell(state.watch_figure) if state.watch_figure else ""
        yield Checklist("", (CheckLine(TICKS[state.watch_verdict], title, figure),))


def rto(view: View) -> Iterator[Block]:
    """From the request to the proof, against the runbook's goal."""
    words, state = view.words, view.state
    total = parts.seconds_between(state.requested_at, state.ended_at)
    if total is None or state.status is not Status.SUCCEEDED:
        return
    goal = view.runbook.budgets.total_s
    key = "card.rto_met" if total <= goal else "card.rto_missed"
    yield Paragraph(words.say(key, total=words.took(total), goal=words.took(goal)))


def _after(view: View) -> Iterator[Block]:
    state, words = view.state, view.words
    if state.changed:
        yield from parts.reason(view)
    if state.status is Status.SUCCEEDED:
        yield Paragraph(words.say("card.frozen", id=state.id))
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
