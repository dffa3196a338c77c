"""Step progress: what is done, what runs, what is still to come."""

from __future__ import annotations

from collections.abc import Iterator

from bot.cards.budgets import overrun
from bot.cards.database import detail_shown
from bot.cards.view import View, Words, first_line, trimmed
from commands.domain.conversation import Block, StepLine, StepLook, Steps
from commands.domain.plan import (
    KeepCopy,
    MigrateSchema,
    Phase,
    PlannedStep,
    UndoKind,
)
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
LOOKS_BACK = LOOKS | {StepStatus.DONE: StepLook.PENDING, StepStatus.FAILED: StepLook.PENDING}
"""Walking back, what was done (or failed) on the way there is still to come."""

WALKED_BACK = (StepStatus.REVERTING, StepStatus.REVERTED, StepStatus.REVERT_FAILED)
AT_ONCE_S = 0.5
"""A step that took less shows no time: `0:00` tells nobody anything."""


def steps(view: View) -> Iterator[Block]:
    """Step progress: preparing until production changes, then its steps, then the way back."""
    state, words = view.state, view.words
    if state.direction == "back":
        back = tuple(step for step in reversed(_production(view)) if _comes_back(view, step))
        if back:
            yield Steps(words.say("card.steps_back"), tuple(step_line(view, s) for s in back))
        return
    planned = _production(view) if state.changed else state.planned(Phase.PREPARE)
    if planned:
        title = words.say("card.steps" if state.changed else "card.preparing")
        yield Steps(title, tuple(step_line(view, step) for step in planned))


def _production(view: View) -> tuple[PlannedStep, ...]:
    return view.state.planned(Phase.EXECUTE, Phase.VERIFY)


def _comes_back(view: View, step: PlannedStep) -> bool:
    status = view.state.record(step.number).status
    has_way = step.undo is not UndoKind.NOTHING
    return status is StepStatus.REVERT_FAILED or (has_way and status is not StepStatus.PENDING)


def all_steps(view: View) -> Iterator[Block]:
    """Every step of the plan, by phase."""
    for phase in Phase:
        planned = view.state.planned(phase)
        if planned:
            lines = tuple(step_line(view, step) for step in planned)
            yield Steps(view.words.say(f"card.phase_{phase.value}"), lines)


def step_line(view: View, step: PlannedStep) -> StepLine:
    """One step as it stands; a running one shows how long it takes so far."""
    record, back = view.state.record(step.number), view.state.direction == "back"
    seconds = None if back and record.status not in WALKED_BACK else record.seconds
    if record.status in (StepStatus.RUNNING, StepStatus.REVERTING) and record.started_at:
        seconds = max((view.now - record.started_at).total_seconds(), AT_ONCE_S)
    told = None if seconds is None or seconds < AT_ONCE_S else seconds
    look = (LOOKS_BACK if back else LOOKS)[record.status]
    if _left_out(record):
        look, told = StepLook.SKIPPED, None
    title = step_title(view.words, step, back=back)
    return StepLine(look, title, _detail(view, step, record, seconds), told)


def step_title(words: Words, step: PlannedStep, *, back: bool = False) -> str:
    """What the step does, to what; `back`: what walking it back does."""
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
    return words.say(_title_key(step, back=back), **params | step_facts(step))


def _title_key(step: PlannedStep, *, back: bool) -> str:
    way = "back" if back and step.undo is not UndoKind.NOTHING else "step"
    match step.action:
        case KeepCopy(way="dump"):
            return f"card.{way}_keep_dump"
        case MigrateSchema(way_back="migrate") if way == "back":
            return "card.back_migrate_back"
        case action:
            return f"card.{way}_{action.kind}"


def step_facts(step: PlannedStep) -> dict[str, str]:
    """What a step's title says of a database: its name, from which revision to which."""
    said: dict[str, str] = {}
    if database := getattr(step.action, "database", ""):
        said["database"] = database
    if migration := getattr(step.action, "migration", None):
        said |= {"before": ", ".join(migration.before), "to": revisions(migration.after)}
    return said


def revisions(found: tuple[str, ...]) -> str:
    """Revisions as people read them; before the first migration there is none."""
    return ", ".join(found) or "base"


def _detail(view: View, step: PlannedStep, record: StepRecord, seconds: float | None) -> str:
    words, said = view.words, []
    if record.error is not None and not _said_above(view, record):
        said.append(trimmed(first_line(words.tell(record.error)), 200))
    # On the way back a step that is not walked back yet has only what it did on the way there.
    is_past = view.state.direction == "back" and record.status is not StepStatus.REVERTED
    detail = None if record.error or is_past else record.detail
    if detail and detail_shown(step.action, detail):
        said.append(trimmed(first_line(words.tell(detail)), 120))
    if _left_out(record):
        said.append(words.say("db.left_out", person=words.name(view.state.rehearsal_skipped_by)))
    if record.marked_by:
        people = ", ".join(words.name(p) for p in record.marked_by)
        said.append(words.say("card.marked_by", people=people))
    if record.taken_up:
        said.append(words.say("card.taken_up"))
    said.append(overrun(view, step, seconds))
    return " · ".join(filter(None, said))


def _left_out(record: StepRecord) -> bool:
    """A rehearsal that an approver decided to go on without."""
    return record.detail is not None and record.detail.key == "db.rehearsal_skipped"


def _said_above(view: View, record: StepRecord) -> bool:
    """The status line gives the reason already; walking back, the way there is past."""
    return view.state.direction == "back" or record.error == view.state.reason
