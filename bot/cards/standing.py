"""What production is left with, as far as the journal knows: services, schema, page."""

from __future__ import annotations

from collections.abc import Iterator

from bot.cards.view import View
from commands.domain.plan import (
    Action,
    EnterMaintenance,
    LeaveMaintenance,
    MigrateSchema,
    Phase,
    StartDependants,
    StopDependants,
    SwapDatabase,
    SwitchRelease,
    Target,
)
from commands.domain.state import StepStatus

KNOWN_OLD = (StepStatus.PENDING, StepStatus.REVERTED)
UNCHANGED = (*KNOWN_OLD, StepStatus.FAILED)
"""A migration or a swap that failed was looked at: it is as before, else it is in doubt."""

NEW, OLD, UNKNOWN, STOPPED = "card.now_new", "card.now_old", "card.now_unknown", "db.now_stopped"


def left_with(view: View) -> str:
    """What production runs now: new, as before, stopped, or unknown; then schema and page."""
    words = view.words
    alike: dict[tuple[str, str], list[str]] = {}
    for key, target in _services(view):
        version = target.version if key == NEW else target.before_version
        alike.setdefault((key, version), []).append(target.service)
    said = [
        words.say(key, services=tuple(services), version=version or words.say("card.nothing"))
        for (key, version), services in alike.items()
    ]
    return "; ".join((*said, *_database(view)))


def _services(view: View) -> Iterator[tuple[str, Target]]:
    stopped = _status(view, StopDependants)
    for step in view.state.planned(Phase.EXECUTE, Phase.VERIFY):
        status = view.state.record(step.number).status
        match step.action:
            case SwitchRelease(targets=targets):
                key = _key(status)
            case StartDependants(targets=targets):
                key = _started(status, stopped)
            case _:
                continue
        yield from ((key, target) for target in targets)


def _key(status: StepStatus) -> str:
    if status is StepStatus.DONE:
        return NEW
    return OLD if status in KNOWN_OLD else UNKNOWN


def _started(status: StepStatus, stopped: StepStatus | None) -> str:
    """Services that were stopped before they are started."""
    if status is StepStatus.DONE:
        return NEW
    if status not in KNOWN_OLD:
        return UNKNOWN
    if stopped in (None, StepStatus.DONE):
        # Without a step that stops them they did not run.
        return STOPPED
    return OLD if stopped in KNOWN_OLD else UNKNOWN


def _database(view: View) -> Iterator[str]:
    change = view.state.plan.schema_change if view.state.plan else None
    if change is None:
        return
    words = view.words
    key = _schema_key(_status(view, SwapDatabase), _status(view, MigrateSchema))
    now = change.before if key == "db.now_schema_old" else change.after
    yield words.say(key, revisions=now, backup=change.backup)
    entered, gone = _status(view, EnterMaintenance), _status(view, LeaveMaintenance)
    if entered not in (None, *KNOWN_OLD) and gone is not StepStatus.DONE:
        yield words.say("db.now_page")


def _schema_key(swapped: StepStatus | None, migrated: StepStatus | None) -> str:
    """A restored database may be brought up afterwards: both have to be sure."""
    if swapped is not None:
        if swapped is StepStatus.DONE and migrated in (None, *UNCHANGED, StepStatus.DONE):
            return "db.now_restored"
        return "db.now_schema_old" if swapped in UNCHANGED else "db.now_schema_unknown"
    if migrated is StepStatus.DONE:
        return "db.now_schema"
    return "db.now_schema_old" if migrated in UNCHANGED else "db.now_schema_unknown"


def _status(view: View, kind: type[Action]) -> StepStatus | None:
    """Where the first step of that kind stands; None when the plan has none."""
    for step in view.state.planned(Phase.EXECUTE, Phase.VERIFY):
        if isinstance(step.action, kind):
            return view.state.record(step.number).status
    return None
