"""Pieces that several cards share: why, what will happen, who is asked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from bot.cards import database
from bot.cards.view import View, trimmed
from commands.domain.conversation import Block, CheckLine, Checklist, Fields, Paragraph, Quote, Tick
from commands.domain.plan import PlannedStep, UndoKind
from commands.domain.text import Text, text

COMMITS_SHOWN = 4


def reason(view: View, *, signed: bool = True) -> Iterator[Block]:
    """Why it was asked, in the asker's own words."""
    if view.state.request.reason:
        by = view.words.name(view.state.requester) if signed else ""
        yield Quote(trimmed(view.state.request.reason), by=by)


def what(view: View, *more: tuple[str, str]) -> Iterator[Block]:
    """What will happen: from which release to which, downtime, undo, and `more` pairs."""
    plan, words = view.state.plan, view.words
    if plan is None:
        return
    unknown = "db.downtime_unknown" if plan.schema_change else "card.downtime_unknown"
    downtime = words.say(unknown) if plan.downtime_s is None else words.took(plan.downtime_s)
    fixed = (
        (words.say("card.downtime"), downtime),
        (words.say("card.undone_by"), database.way_back(view) or words.say(_undo_key(plan.steps))),
    )
    yield Fields((*database.moves(view), *moves(view), *fixed, *more))
    yield from database.stakes(view)
    said = (*together(plan.evidence), *plan.warnings)
    if said:
        yield Paragraph("\n".join(f"• {words.tell(line)}" for line in said))
    yield from commits(view)


def moves(view: View) -> Iterator[tuple[str, str]]:
    """Services and their releases before and after; those that move alike stand together."""
    alike: dict[str, list[str]] = {}
    for t in view.state.plan.targets if view.state.plan else ():
        before = t.before_version or view.words.say("card.nothing")
        alike.setdefault(f"{before} → {t.version}", []).append(t.service)
    for move, services in alike.items():
        yield ", ".join(services), move


def together(said: tuple[Text, ...]) -> tuple[Text, ...]:
    """Sentences that differ only in their service, as one."""
    alike: dict[str, list[Text]] = {}
    for one in said:
        rest = {name: value for name, value in one.params.items() if name != "service"}
        alike.setdefault(repr((one.key, rest)), []).append(one)
    return tuple(
        text(same[0].key, **{**same[0].params, "service": _services(same)})
        if len(same) > 1
        else same[0]
        for same in alike.values()
    )


def _services(said: list[Text]) -> tuple[str, ...]:
    return tuple(str(one.params["service"]) for one in said if "service" in one.params)


def _undo_key(steps: tuple[PlannedStep, ...]) -> str:
    lost = any(step.undo is UndoKind.IMPOSSIBLE for step in steps)
    return "card.undo_impossible" if lost else "card.undo_whole"


def commits(view: View) -> Iterator[Block]:
    """The commits that are given up."""
    plan, words = view.state.plan, view.words
    if plan is None or not plan.commits_undone:
        return
    shown = plan.commits_undone[:COMMITS_SHOWN]
    more = len(plan.commits_undone) - len(shown)
    lines = [f"• {trimmed(line, 90)}" for line in shown]
    if more:
        lines.append(words.say("card.more_commits", n=more))
    title = words.say("card.commits", n=len(plan.commits_undone))
    yield Paragraph("\n".join(lines), title=title)


def asked(view: View) -> Iterator[Block]:
    """Who has to say yes: filled slots with names, open ones with who can fill them."""
    question, words = view.state.question or view.state.approved, view.words
    if question is None:
        return
    filled = question.filled
    lines = tuple(
        CheckLine(Tick.DONE, words.role(role), words.name(filled[role]))
        if role in filled
        else CheckLine(Tick.OPEN, words.role(role), words.holders(role))
        for role in question.roles
    )
    title = words.say(f"card.asked_{question.verb}", person=words.name(question.by))
    yield from database.before_deciding(view, question.verb)
    yield Checklist(title, lines)


def seconds_between(start: datetime | None, end: datetime | None) -> float | None:
    """How long; None when either end is not known."""
    return (end - start).total_seconds() if start and end else None
