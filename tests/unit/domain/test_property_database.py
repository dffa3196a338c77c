"""The database row, in whatever order people, workers and time act: its rules hold.

Commands go through `decide`; what a worker writes is written here. What people were allowed is
judged once more, from the journal alone.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from commands.domain import command as c
from commands.domain import events as e
from commands.domain.due import due
from commands.domain.errors import RefusedError
from commands.domain.keeping import kept_databases, undo_loss
from commands.domain.people import Scenario
from commands.domain.plan import Phase
from commands.domain.state import RollbackState, Status
from commands.domain.text import text
from tests.unit.domain.office import ANNA, DARYA, EGOR, GLEB, IVAN, VERA, Office
from tests.unit.domain.test_property_rollbacks import fills, standing

PEOPLE = st.sampled_from((ANNA, GLEB, DARYA, VERA, EGOR, IVAN))
ASKERS = st.sampled_from((ANNA, GLEB, EGOR))
VERBS = st.sampled_from(("undo", "retry", "mark_done", "abandon", "drop_kept", "drop_kept"))
SCENARIOS = st.sampled_from((Scenario.DATABASE, Scenario.DATABASE, Scenario.RESTORE))
FIRST = st.sampled_from(("planned", "skipped", "done", "undo", "drop_kept"))
GRANTED = (e.UndoStarted, e.RetryOrdered, e.StepMarkedDone, e.DropKeptOrdered)


class Databases(RuleBasedStateMachine):
    """One environment whose database is rolled back."""

    @initialize(person=ASKERS, scenario=SCENARIOS, first=FIRST)
    def begin(self, person: str, scenario: Scenario, first: str) -> None:
        """It waits for approval, was carried out, undone, or lets its kept database go."""
        self.office = Office()
        self.read = 0
        self.rollback = self.office.ask(person, scenario)
        if first == "skipped":
            self.skip_rehearsal(VERA)
        if first not in ("planned", "skipped"):
            self.carried_out()
        if first in ("undo", "drop_kept"):
            self.recover(ANNA, first, True)

    @property
    def state(self) -> RollbackState:
        return self.office.state(self.rollback)

    def _order(self, command: c.Command) -> None:
        """A refused command writes nothing."""
        before = len(self.office.said[self.rollback])
        try:
            self.office.order(command, self.rollback)
        except RefusedError:
            assert len(self.office.said[self.rollback]) == before

    @rule(person=PEOPLE, right=st.booleans())
    def approve(self, person: str, right: bool) -> None:
        question = self.state.question
        nonce = question.nonce if question and right else ""
        self._order(c.Approve(self.office.actor(person), nonce))

    @rule()
    def both_roles_approve(self) -> None:
        for person in (DARYA, GLEB, VERA):
            self.approve(person, True)

    @rule(person=PEOPLE, verb=st.sampled_from((c.Deny, c.Withdraw, c.Cancel, c.Stop)))
    def take_back(self, person: str, verb: Callable[[c.Actor], c.Command]) -> None:
        self._order(verb(self.office.actor(person)))

    @rule(person=st.sampled_from((GLEB, VERA, ANNA)))
    def skip_rehearsal(self, person: str) -> None:
        self._order(c.SkipRehearsal(self.office.actor(person)))

    @rule(person=PEOPLE, verb=VERBS, agreed=st.booleans())
    def recover(self, person: str, verb: c.RecoveryVerb, agreed: bool) -> None:
        self._order(c.Recover(self.office.actor(person), verb))
        if agreed:
            self.both_roles_approve()

    @rule(steps=st.integers(1, 20), fails=st.booleans())
    def work(self, steps: int, fails: bool) -> None:
        """A worker does what is due; its last step may fail."""
        for left in reversed(range(steps)):
            if not self._one(fails=fails and not left):
                break

    @rule()
    def carried_out(self) -> None:
        """People agree and the worker does all of it."""
        self.both_roles_approve()
        self.work(40, False)

    @rule(minutes=st.sampled_from((1, 20, 90)))
    def time_passes(self, minutes: int) -> None:
        self.office.now += timedelta(minutes=minutes)
        self._order(c.Tick())

    def _one(self, *, fails: bool) -> bool:
        """One piece of work; whether there may be more."""
        state, office, name = self.state, self.office, self.rollback
        prepares = state.pending(Phase.PREPARE)
        if state.status.undecided and state.plan is not None and prepares is not None:
            return self._step(prepares.number, "forward", fails=fails)
        match state.status:
            case Status.APPROVED:
                started = e.ExecutionStarted(
                    plan_digest=state.plan_digest,
                    evidence_digest=state.evidence.digest(),
                    approvers=tuple(state.approved.filled.values()) if state.approved else (),
                )
                office.append(name, started, environment=(e.SlotTaken(rollback_id=name),))
            case Status.EXECUTING | Status.VERIFYING:
                step = state.pending(Phase.EXECUTE, Phase.VERIFY)
                if step is not None:
                    return self._step(step.number, "forward", fails=fails)
                self._end(e.Succeeded(proof=()), "succeeded")
            case Status.UNDOING:
                step = state.to_revert()
                if step is not None:
                    return self._step(step.number, "back", fails=fails)
                self._end(e.Undone(), "undone")
            case _ if state.drop_kept_by and not state.kept_dropped:
                failed = text("error.database_unavailable") if fails else None
                office.append(name, e.KeptDropped(databases=kept_databases(state), failed=failed))
            case _:
                return False
        return True

    def _step(self, number: int, way: e.Direction, *, fails: bool) -> bool:
        intended = e.StepIntended(step=number, direction=way)
        done = e.StepDone(step=number, direction=way, seconds=1)
        failed = e.StepFailed(step=number, direction=way, seconds=1, error=text("error.engine"))
        self.office.append(self.rollback, intended, failed if fails else done)
        return not fails

    def _end(self, event: e.Event, outcome: str) -> None:
        over = (
            e.SlotReleased(rollback_id=self.rollback),
            e.RollbackClosed(rollback_id=self.rollback, outcome=outcome),
        )
        self.office.append(self.rollback, event, environment=over)

    @invariant()
    def what_was_decided_was_allowed(self) -> None:
        """Two distinct people of the two roles, never the asker, for the very question."""
        events = self.office.said.get(self.rollback, [])
        for n in range(self.read, len(events)):
            self._judge(events[: n + 1])
        self.read = len(events)

    def _judge(self, events: list[e.Event]) -> None:
        newest, runbook = events[-1], self.office.runbook
        asked = next((x for x in reversed(events) if isinstance(x, e.Asked)), None)
        if isinstance(newest, (e.ExecutionStarted, *GRANTED)):
            assert asked is not None
            people = standing(events, asked.digest)
            assert fills(runbook, "db", people, asked.by)
        if isinstance(newest, e.UndoStarted):
            assert not any(isinstance(x, e.DropKeptOrdered) for x in self._since_failed(events))
        if isinstance(newest, e.RehearsalSkipped):
            roles = runbook.roles_of(newest.person)
            assert roles & {"database_team", "devops_lead"}
            assert newest.person != self.state.requester

    @staticmethod
    def _since_failed(events: list[e.Event]) -> list[e.Event]:
        """The events after the last drop that did not work."""
        failed = [
            n for n, x in enumerate(events) if isinstance(x, e.KeptDropped) and x.failed is not None
        ]
        return events[failed[-1] + 1 :] if failed else events

    @invariant()
    def it_can_always_be_read(self) -> None:
        """What is due, kept and lost can be said of every state that comes about."""
        due(self.state)
        undo_loss(self.state)
        kept = kept_databases(self.state)
        assert not (kept and self.state.kept_dropped)
        if self.state.drop_kept_by:
            assert self.state.status in (Status.SUCCEEDED, Status.UNDONE)


TestDatabases = Databases.TestCase
TestDatabases.settings = settings(
    max_examples=60,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
)
