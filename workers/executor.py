"""Walk a rollback's plan with a write-ahead journal.

Intent before effect, outcome after it; after a crash the step is probed. Every append is a
compare-and-set, so an executor that was away re-reads before its next effect.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from commands.domain.due import Due, Work, due
from commands.domain.errors import JournalConflictError, RollbotError
from commands.domain.events import (
    BackupTaken,
    EnvironmentEvent,
    RollbackClosed,
    RollbackEvent,
    StepDone,
    StepInDoubt,
    StepIntended,
    StepProbed,
    Stopped,
)
from commands.domain.plan import Phase, PlannedStep
from commands.domain.state import RollbackState, Status, StepStatus
from commands.domain.text import text
from commands.ports import Clock
from commands.store.book import Book
from commands.store.witness import Witness
from workers.ending import finish, finish_undo
from workers.letting_go import LetGo, let_go, nothing_kept
from workers.outcomes import evidence, problem
from workers.planning import Planning
from workers.starting import may_go_on, start, superseded
from workers.steps.progress import Outcome, Progress, Step
from workers.undoing import hindrance
from workers.vouching import unvouched


@dataclass(frozen=True, slots=True, kw_only=True)
class Executor:
    """Drives rollbacks of one environment until people, or time, must act first.

    The caller holds the environment's lease, and opened the book with a mirror. `witness` is what
    this host says of itself: nothing is done for which it does not vouch. A state belongs to the
    book: after an append or a read it shows what was written. `drive` raises store errors
    (the journal is away: the rollback goes on when a worker is called again) and lets nothing
    else escape a step.
    """

    book: Book
    witness: Witness
    planning: Planning
    build: Callable[[PlannedStep, RollbackState], Step]
    clock: Clock
    stopping: Callable[[], bool]
    settle: Callable[[], None]
    drop_kept: LetGo = nothing_kept

    def drive(self, rollback_id: str) -> None:
        """Do everything that is due. Safe to repeat, from any point."""
        # The environment's first: an emptied Redis is noticed whatever number it begins with.
        self.book.environment()
        state = self.book.rollback(rollback_id)
        if state is not None and state.in_flight:
            # An earlier job process died inside a step; what it left running must end first.
            self.settle()
        while not self.stopping():
            state = self.book.rollback(rollback_id)
            work = due(state) if state else None
            if state is None or work is None:
                return
            try:
                if not (self._stopped(state) or unvouched(self.book, self.witness, state, work)):
                    self._do(state, work)
            except JournalConflictError:
                # Somebody wrote between our reading and our writing; what is due may be another.
                continue

    def _stopped(self, state: RollbackState) -> bool:
        """Whether a recovery ends here: this host's runbook does not let those people grant it."""
        if not (state.unchecked and state.status.moving):
            return False
        if may_go_on(state, self.planning.runbook):
            return False
        why = text("step.not_entitled")
        self.book.append(state, Stopped(before_step=_next(state), why=why))
        return True

    def _do(self, state: RollbackState, work: Due) -> None:
        match work.work:
            case Work.SURVEY:
                self.planning.survey_and_plan(self.book, state, self.witness)
            case Work.START:
                start(self.book, self.planning, state, self.witness)
            case Work.STEP if work.step:
                if not superseded(self.book, state):
                    self._forward(state, work.step)
            case Work.REVERT if work.step:
                self._back(state, work.step)
            case Work.STOP:
                self.book.append(state, Stopped(before_step=_next(state)))
            case Work.FINISH:
                finish(self.book, state)
            case Work.FINISH_UNDO:
                finish_undo(self.book, state, self.build, self.clock)
            case Work.DROP_KEPT:
                let_go(self.book, state, self.witness, self.planning.runbook, self.drop_kept)

    def _forward(self, state: RollbackState, planned: PlannedStep) -> None:
        step, record = self.build(planned, state), state.record(planned.number)
        crashed = record.status is StepStatus.RUNNING
        if crashed and self._probed(state, planned, step, record.before):
            return
        if not self._intended(state, planned, step):
            return
        if unvouched(self.book, self.witness, state, Due(Work.STEP, planned)):
            # Somebody's entries came right behind our own, and the step is built of them all.
            return
        began = self.clock.now()
        try:
            # Built anew: now it knows what was captured, as a step after a crash does.
            outcome = self.build(planned, state).apply()
        except RollbotError as error:
            self._failed(state, planned, error, began_s=self._since(began))
            return
        self._done(state, planned, outcome, self._since(began))

    def _intended(self, state: RollbackState, planned: PlannedStep, step: Step) -> bool:
        attempt = state.record(planned.number).attempt + 1
        try:
            before = step.capture()
        except RollbotError as error:
            self._failed(state, planned, error, began_s=0.0)
            return False
        # Before the journal: a crash in between leaves a note that nothing refers to.
        self.witness.captured(state.id, planned.number, before)
        self.book.append(state, StepIntended(step=planned.number, attempt=attempt, before=before))
        return True

    def _probed(
        self, state: RollbackState, planned: PlannedStep, step: Step, before: dict[str, str]
    ) -> bool:
        """After a crash: True when the probe alone decided how it goes on."""
        number = planned.number
        try:
            found = step.probe(before)
        except RollbotError as error:
            self._failed(state, planned, error, began_s=0.0)
            return True
        probed = StepProbed(step=number, found=found.value)
        if found is Progress.DONE:
            self.book.append(state, probed, StepDone(step=number, seconds=self._age(state, number)))
            return True
        if found is Progress.IN_DOUBT:
            why = text("step.in_doubt", step=number)
            self.book.append(state, probed, StepInDoubt(step=number, why=why))
            return True
        self.book.append(state, probed)
        return False

    def _back(self, state: RollbackState, planned: PlannedStep) -> None:
        hindered = hindrance(state, planned, self.build)
        if hindered is not None:
            self.book.append(state, hindered)
            return
        step, record = self.build(planned, state), state.record(planned.number)
        number, attempt = planned.number, record.attempt + 1
        self.book.append(state, StepIntended(step=number, direction="back", attempt=attempt))
        began = self.clock.now()
        try:
            # Nothing captured is nothing done: there is no state to go back to.
            detail = step.revert(record.before) if record.before else None
        except RollbotError as error:
            said = problem(planned, error, self._since(began), "back")
            self._append_outcome(state, said)
            return
        seconds = self._since(began)
        done = StepDone(step=number, direction="back", seconds=seconds, detail=detail)
        self._append_outcome(state, done)

    def _done(
        self, state: RollbackState, planned: PlannedStep, outcome: Outcome, seconds: float
    ) -> None:
        if outcome.is_moot and self._is_decided(state, planned):
            return
        events: list[RollbackEvent] = []
        if outcome.evidence:
            events += evidence(state, outcome)
        done = StepDone(
            step=planned.number, seconds=seconds, detail=outcome.detail, proof=outcome.proof
        )
        taken = (BackupTaken(record=outcome.backup),) if outcome.backup else ()
        self._append_outcome(state, *events, done, environment=taken)

    def _is_decided(self, state: RollbackState, planned: PlannedStep) -> bool:
        """Whether the journal has the outcome of a step already, because people gave it."""
        self.book.rollback(state.id)
        return state.record(planned.number).status is StepStatus.DONE

    def _failed(
        self, state: RollbackState, planned: PlannedStep, error: RollbotError, began_s: float
    ) -> None:
        prepares = planned.phase is Phase.PREPARE
        if prepares and self._is_decided(state, planned):
            return
        self._append_outcome(state, problem(planned, error, began_s), ends=prepares)

    def _append_outcome(
        self,
        state: RollbackState,
        *events: RollbackEvent,
        environment: tuple[EnvironmentEvent, ...] = (),
        ends: bool = False,
    ) -> None:
        """An outcome is a fact: it is written whoever wrote in between.

        `ends`: the rollback ends with it, and the environment is told, unless people ended it
        in the meantime.
        """
        while True:
            told = environment
            if ends and not state.status.ended:
                outcome = Status.NOT_PREPARED.value
                told = (*told, RollbackClosed(rollback_id=state.id, outcome=outcome))
            if told:
                self.book.environment()
            try:
                self.book.append(state, *events, environment=told)
            except JournalConflictError:
                self.book.rollback(state.id)
                continue
            return

    def _since(self, began: datetime) -> float:
        return round((self.clock.now() - began).total_seconds(), 3)

    def _age(self, state: RollbackState, number: int) -> float:
        began = state.record(number).started_at
        return self._since(began) if began else 0.0


def _next(state: RollbackState) -> int:
    blocked = state.blocked()
    return blocked.number if blocked else 0
