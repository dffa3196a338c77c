"""Pieces that several cards share: what will happen, who is asked, steps, proof."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from bot.cards.view import DIGEST_SHOWN, View, Words, trimmed
from commands.domain.conversation import (
    Block,
    CheckLine,
    Checklist,
    Fields,
    Paragraph,
    Quote,
    StepLine,
    StepLook,
    Steps,
    Tick,
)
from commands.domain.plan import Phase, PlannedStep, UndoKind
from commands.domain.proof import ProofItem, Verdict
from commands.domain.state import StepRecord, StepStatus

LOOKS = {
    StepStatus.PENDING: StepLook.PENDING,
    StepStatus.RUNNING: StepLook.RUNNING,
    StepStatus.DONE: StepLook.DONE,
    StepStatus.FAILED: StepLook.FAILED,
    StepStatus.IN_DOUBT: StepLook.IN_DOUBT,
    StepStatus.REVERTING: StepLook.RUNNING,
    StepStatus.REVERTED: StepLook.UNDONE,
    StepStatus.REVERT_FAILED: StepLook.FAILED,
}
TICKS = {Verdict.OK: Tick.DONE, Verdict.BAD: Tick.BAD, Verdict.UNKNOWN: Tick.UNKNOWN}
COMMITS_SHOWN = 5


def reason(view: View) -> Iterator[Block]:
    """Why it was asked, in the asker's own words."""
    if view.state.request.reason:
        yield Quote(trimmed(view.state.request.reason), by=view.words.name(view.state.requester))


def what(view: View) -> Iterator[Block]:
    """What will happen: from which release to which, downtime, undo."""
    plan, words = view.state.plan, view.words
    if plan is None:
        return
    pairs = [
        (t.service, f"{t.before_version or words.say('card.nothing')} → {t.version}")
        for t in plan.targets
    ]
    downtime = (
        words.say("card.downtime_unknown")
        if plan.downtime_s is None
        else words.took(plan.downtime_s)
    )
    pairs.append((words.say("card.downtime"), downtime))
    pairs.append((words.say("card.undone_by"), words.say(_undo_key(plan.steps))))
    yield Fields(tuple(pairs))
    said = (*plan.evidence, *plan.warnings)
    if said:
        yield Paragraph("\n".join(f"• {words.tell(line)}" for line in said))
    yield from commits(view)


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
    yield Checklist(words.say(f"card.asked_{question.verb}"), lines)


def steps(view: View) -> Iterator[Block]:
    """Step progress, from the first changing step on."""
    started = view.state.changed
    phases = (Phase.EXECUTE, Phase.VERIFY) if started else (Phase.PREPARE,)
    planned = view.state.planned(*phases)
    if planned:
        title = view.words.say("card.steps" if started else "card.preparing")
        yield Steps(title, tuple(step_line(view, step) for step in planned))


def all_steps(view: View) -> Iterator[Block]:
    """Every step of the plan, by phase."""
    for phase in Phase:
        planned = view.state.planned(phase)
        if planned:
            lines = tuple(step_line(view, step) for step in planned)
            yield Steps(view.words.say(f"card.phase_{phase.value}"), lines)


def step_line(view: View, step: PlannedStep) -> StepLine:
    """One step as it stands; a running one shows how long it takes so far."""
    record = view.state.record(step.number)
    seconds = record.seconds
    if record.status in (StepStatus.RUNNING, StepStatus.REVERTING) and record.started_at:
        seconds = (view.now - record.started_at).total_seconds()
    return StepLine(
        LOOKS[record.status],
        step_title(view.words, step),
        _detail(view, step, record, seconds),
        seconds,
    )


def step_title(words: Words, step: PlannedStep) -> str:
    """What the step does, to what."""
    action = step.action
    params: dict[str, str | float | tuple[str, ...]] = {}
    if targets := getattr(action, "targets", ()):
        params["services"] = tuple(t.service for t in targets)
    if services := getattr(action, "services", ()):
        params["services"] = tuple(services)
    if target := getattr(action, "target", None):
        params |= {"service": target.service, "version": target.version}
    if pin := getattr(action, "pin", None):
        params |= {"name": pin.name, "value": pin.value}
    if name := getattr(action, "name", ""):
        params["name"] = name
    if stable_s := getattr(action, "stable_s", None):
        params["duration"] = words.took(stable_s)
    return words.say(f"card.step_{action.kind}", **params)


def _detail(view: View, step: PlannedStep, record: StepRecord, seconds: float | None) -> str:
    words, said = view.words, []
    if record.error is not None:
        said.append(trimmed(words.tell(record.error), 200))
    if record.marked_by:
        people = ", ".join(words.name(p) for p in record.marked_by)
        said.append(words.say("card.marked_by", people=people))
    budget = _budget(view, step)
    if budget and seconds is not None and seconds > budget:
        said.append(words.say("card.over_budget", budget=words.took(budget)))
    return " · ".join(said)


def _budget(view: View, step: PlannedStep) -> float | None:
    budgets = view.runbook.budgets
    return {
        "identify": budgets.identify_s,
        "switch": budgets.switch_s,
        "verify": budgets.verify_s,
    }.get(step.budget)


def proof(view: View) -> Iterator[Block]:
    """What was read back, one line per service."""
    words = view.words
    by_service: dict[str, list[ProofItem]] = {}
    for item in view.state.proof:
        by_service.setdefault(item.service, []).append(item)
    lines = tuple(
        CheckLine(_worst(items), service, " · ".join(_read_back(words, i) for i in items))
        for service, items in by_service.items()
    )
    if lines:
        yield Checklist(words.say("card.proof"), lines)


def _worst(items: list[ProofItem]) -> Tick:
    order = (Verdict.OK, Verdict.UNKNOWN, Verdict.BAD)
    return TICKS[max((item.verdict for item in items), key=order.index)]


def _read_back(words: Words, item: ProofItem) -> str:
    found = item.found.removeprefix("sha256:")[:DIGEST_SHOWN] if item.found else ""
    if item.verdict is Verdict.UNKNOWN:
        return words.say("proof.unknown", what=words.say(f"proof.{item.what}"))
    return words.say("proof.found", what=words.say(f"proof.{item.what}"), found=found)


def seconds_between(start: datetime | None, end: datetime | None) -> float | None:
    """How long; None when either end is not known."""
    return (end - start).total_seconds() if start and end else None
