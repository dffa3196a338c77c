"""The state of one rollback: its fields, and questions that cards and decisions ask of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from commands.domain.conversation import MessageRef
from commands.domain.events import Direction
from commands.domain.people import Identity, PersonId
from commands.domain.plan import Evidence, Phase, Plan, PlannedStep
from commands.domain.proof import CheckResult, ProofItem, Verdict
from commands.domain.request import Request
from commands.domain.runbook import Channel
from commands.domain.state.question import Question
from commands.domain.state.status import Status, StepStatus
from commands.domain.state.step import StepRecord
from commands.domain.text import Text


@dataclass(slots=True, kw_only=True)
class RollbackState:
    """Everything the journal says of one rollback.

    Owned by the one reader that folds it (`commands.domain.state.fold`); everybody else reads.
    `position` is the journal's length. Times are of the entries, UTC. `granted` is the recovery
    question that was answered last; `unchecked` until a worker acts on it. `drop_kept_by` approved
    letting the kept databases go, until `kept_dropped` says that they are gone.
    """

    id: str
    number: int
    request: Request
    requester: PersonId
    identity: Identity
    home: Channel
    runbook_digest: str
    requested_at: datetime
    position: int = 1
    status: Status = Status.REQUESTED
    joined: tuple[PersonId, ...] = ()
    homes: tuple[Channel, ...] = ()
    plan: Plan | None = None
    plan_digest: str = ""
    planned_at: datetime | None = None
    plan_seconds: float | None = None
    plan_changes: tuple[Text, ...] = ()
    reason: Text | None = None
    evidence: Evidence = field(default_factory=Evidence)
    question: Question | None = None
    approved: Question | None = None
    granted: Question | None = None
    unchecked: bool = False
    approved_at: datetime | None = None
    approvers: tuple[PersonId, ...] = ()
    executed_evidence: str = ""
    steps: dict[int, StepRecord] = field(default_factory=dict)
    direction: Direction = "forward"
    stop_asked_by: PersonId | None = None
    started_at: datetime | None = None
    switched_at: datetime | None = None
    healthy_at: datetime | None = None
    ended_at: datetime | None = None
    ended_by: PersonId | None = None
    deny_reason: str = ""
    superseded_by: str = ""
    undo_people: tuple[PersonId, ...] = ()
    succeeded: bool = False
    proof: tuple[ProofItem, ...] = ()
    checks: tuple[CheckResult, ...] = ()
    closed_at: datetime | None = None
    watch_verdict: Verdict | None = None
    watch_figure: Text | None = None
    ticks: dict[str, tuple[PersonId, datetime]] = field(default_factory=dict)
    notes: tuple[tuple[PersonId, str, datetime], ...] = ()
    refusals: int = 0
    rehearsal_skipped_by: PersonId | None = None
    rehearsal_skipped_why: str = ""
    drop_kept_by: tuple[PersonId, ...] = ()
    drop_kept_failed: Text | None = None
    kept_dropped: bool = False
    worker_lost_at: datetime | None = None
    worker_lost_why: Text | None = None
    progressed_at: datetime | None = None
    posted: dict[str, MessageRef] = field(default_factory=dict)
    moved: dict[str, str] = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        """Whether a changing step was ever begun: then something may have to come back."""
        return self.started_at is not None

    @property
    def in_flight(self) -> bool:
        """Whether a step was begun and has no outcome yet."""
        begun = (StepStatus.RUNNING, StepStatus.REVERTING)
        return any(record.status in begun for record in self.steps.values())

    @property
    def watched_badly(self) -> bool:
        """Whether it was proven and then did not hold: failures were seen during the watch."""
        return self.status is Status.SUCCEEDED and self.watch_verdict is Verdict.BAD

    def record(self, number: int) -> StepRecord:
        """What is known of a step; a fresh record if it was never begun."""
        return self.steps.get(number) or StepRecord(number)

    def planned(self, *phases: Phase) -> tuple[PlannedStep, ...]:
        """The plan's steps of these phases; none before there is a plan."""
        return self.plan.of_phase(*phases) if self.plan else ()

    def pending(self, *phases: Phase) -> PlannedStep | None:
        """The first step of these phases that is not done."""
        for step in self.planned(*phases):
            if self.record(step.number).status is not StepStatus.DONE:
                return step
        return None

    def to_revert(self) -> PlannedStep | None:
        """The last touched changing step that is not walked back yet."""
        for step in reversed(self.planned(Phase.EXECUTE, Phase.VERIFY)):
            if self.record(step.number).status.touched:
                return step
        return None

    def blocked(self) -> PlannedStep | None:
        """The step that failed, is in doubt, or comes next after a stop."""
        bad = (StepStatus.FAILED, StepStatus.IN_DOUBT, StepStatus.REVERT_FAILED)
        for step in self.planned(Phase.EXECUTE, Phase.VERIFY):
            if self.record(step.number).status in bad:
                return step
        if self.direction == "back":
            return self.to_revert()
        return self.pending(Phase.EXECUTE, Phase.VERIFY)

    def cleaned_up(self) -> bool:
        """Whether every clean-up step was done (or there is none)."""
        return self.pending(Phase.CLEAN_UP) is None
