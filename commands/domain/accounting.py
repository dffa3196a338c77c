"""Does a rollback's journal account for everything that was done? Fault case 61.

Every effect needs an earlier intent, and everything that changes production needs approvers who
fill the row that was asked, for the very plan that was carried out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from commands.domain import events as e
from commands.domain.plan import Phase, Plan
from commands.domain.state import match_slots


@dataclass(frozen=True, slots=True)
class Unaccounted:
    """The first entry, counted from 1, that nothing before it allows; `why` in English."""

    position: int
    why: str


def first_unaccounted(events: Iterable[e.AnyEvent]) -> Unaccounted | None:
    """Walk a rollback's journal; None when everything in it is accounted for."""
    ledger = _Ledger()
    for position, event in enumerate(events, start=1):
        if why := ledger.complaint(event):
            return Unaccounted(position, why)
        ledger.enter(event)
    return None


@dataclass(slots=True)
class _Ledger:
    """What the entries so far allow."""

    plan: Plan | None = None
    asked: e.Asked | None = None
    approvals: dict[str, e.Approved] = field(default_factory=dict)
    started: bool = False
    undoing: bool = False
    intended: set[tuple[int, str]] = field(default_factory=set)

    def complaint(self, event: e.AnyEvent) -> str:
        """Why this may not come next; "" when it may."""
        match event:
            case e.Planned() if event.plan.digest() != event.digest:
                return "the plan is not the one that its digest names"
            case e.ExecutionStarted():
                return self._unapproved(event)
            case e.StepIntended():
                return self._unallowed(event)
            case e.StepDone() | e.StepProbed() | e.StepInDoubt():
                known = (event.step, event.direction) in self.intended
                return "" if known else f"step {event.step} was never intended"
            case e.UndoStarted() | e.RetryOrdered() | e.StepMarkedDone() | e.DropKeptOrdered() if (
                not event.people
            ):
                return "nobody approved it"
        return ""

    def enter(self, event: e.AnyEvent) -> None:
        """Note what this entry allows from now on."""
        match event:
            case e.Planned():
                self.plan = event.plan
            case e.Asked() if event.verb == "execute":
                self.asked, self.approvals = event, {}
            case e.Approved() if not self.started:
                self.approvals[event.person] = event
            case e.Withdrawn():
                self.approvals.pop(event.person, None)
            case e.ApprovalsVoided() | e.PlanChanged():
                self.approvals = {}
            case e.ExecutionStarted():
                self.started = True
            case e.UndoStarted():
                self.undoing = True
            case e.StepIntended():
                self.intended.add((event.step, event.direction))

    def _unapproved(self, event: e.ExecutionStarted) -> str:
        if self.plan is None or event.plan_digest != self.plan.digest():
            return "what was started is not what was planned"
        if self.asked is None:
            return "nobody was asked"
        held = {
            person: approval.roles
            for person, approval in self.approvals.items()
            if person in event.approvers and approval.digest == event.plan_digest
        }
        missing = set(self.asked.roles) - set(match_slots(self.asked.roles, held))
        return f"no approval by {', '.join(sorted(missing))} of this plan" if missing else ""

    def _unallowed(self, event: e.StepIntended) -> str:
        if self.plan is None or not 1 <= event.step <= len(self.plan.steps):
            return f"step {event.step} is in no plan"
        if event.direction == "back" and not self.undoing:
            return "nobody approved walking back"
        changes = self.plan.step(event.step).phase in (Phase.EXECUTE, Phase.VERIFY)
        return "execution was never started" if changes and not self.started else ""
