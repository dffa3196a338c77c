"""Whatever people, workers and time do, in whatever order: the rules hold.

Commands go through `decide`, workers are real executors on an engine in memory, which die at any
point. What may begin is judged here once more, from the journal alone and in another way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import timedelta
from itertools import permutations

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from commands.domain import command as c
from commands.domain import events as e
from commands.domain.decide import Case, decide
from commands.domain.due import due
from commands.domain.errors import RefusedError
from commands.domain.people import Scenario
from commands.domain.request import Request
from commands.domain.runbook import Runbook
from commands.domain.state import RollbackState, Status
from tests.unit.planner.world import SERVICES, request
from tests.unit.steps.world import NEW, OLD, world
from tests.unit.workers.office import ANNA, BOTH, DORA, EGOR, IVAN, ZOYA, Killed, Office

PEOPLE = st.sampled_from((ANNA, EGOR, IVAN, BOTH, DORA, ZOYA))
ASKERS = st.sampled_from((ANNA, ANNA, DORA, EGOR, ZOYA))
VERBS = st.sampled_from(("undo", "retry", "mark_done", "abandon"))
REQUESTS = st.sampled_from(
    (
        request("api", version=OLD),
        request("worker", version=OLD),
        request("api", version=OLD, dry_run=True),
        request(*SERVICES, version=OLD, scenario=Scenario.FULL),
        request(*SERVICES, version=NEW, scenario=Scenario.FULL),
    )
)
NONCES = st.sampled_from(("", "right", "0123456789ab"))
NUMBERS = st.sampled_from((1, 1, 2, 3))
FIRST = ("planned", "failed", "failed", "done")
GRANTED = (e.UndoStarted, e.RetryOrdered, e.StepMarkedDone)


class Rollbacks(RuleBasedStateMachine):
    """One environment, everybody at once."""

    @initialize(self_approval=st.booleans(), asked=REQUESTS, first=st.sampled_from(FIRST))
    def begin(self, self_approval: bool, asked: Request, first: str) -> None:
        """There is one rollback: planned, failed half-way, or done."""
        self.office = Office(world(*SERVICES))
        self.office.allow_self_approval(self_approval)
        self.read: dict[str, int] = {}
        self.was: dict[str, Status] = {}
        self.deployed = 0
        self.ask(ANNA, asked, True)
        if first != "planned":
            self.office.world.engine.exit_code = first == "failed"
            self.everybody_approves(1, True)
            self.office.world.engine.exit_code = 0

    def _named(self, number: int) -> str:
        """One of the rollbacks there are: 1 is the newest."""
        last = self.office.book().environment().last_number
        return f"RB-{max(last - number + 1, 1)}"

    def _order(self, command: c.Command, name: str = "") -> None:
        """A refused command writes nothing."""
        before = {n: len(entries) for n, entries in self.office.streams.entries.items()}
        try:
            self.office.order(command, name)
        except RefusedError:
            after = {n: len(entries) for n, entries in self.office.streams.entries.items()}
            assert after == before

    @rule(person=ASKERS, asked=REQUESTS, planned=st.booleans())
    def ask(self, person: str, asked: Request, planned: bool) -> None:
        self._order(c.Ask(self.office.actor(person), asked, self.office.home))
        if planned:
            self.drive(1)

    @rule(person=PEOPLE, number=NUMBERS, nonce=NONCES)
    def approve(self, person: str, number: int, nonce: str) -> None:
        name = self._named(number)
        question = self.office.state(name).question
        given = question.nonce if nonce == "right" and question else nonce
        self._order(c.Approve(self.office.actor(person), given), name)

    @rule(number=NUMBERS, driven=st.booleans())
    def everybody_approves(self, number: int, driven: bool) -> None:
        for person in (EGOR, IVAN, ANNA, DORA):
            self.approve(person, number, "right")
        if driven:
            self.drive(number)

    @rule(person=PEOPLE, number=NUMBERS, verb=st.sampled_from((c.Deny, c.Withdraw, c.Cancel)))
    def take_back(self, person: str, number: int, verb: Callable[[c.Actor], c.Command]) -> None:
        self._order(verb(self.office.actor(person)), self._named(number))

    @rule(person=ASKERS, number=NUMBERS, verb=VERBS, agreed=st.booleans())
    def recover(self, person: str, number: int, verb: c.RecoveryVerb, agreed: bool) -> None:
        self._order(c.Recover(self.office.actor(person), verb), self._named(number))
        if agreed:
            self.everybody_approves(number, True)

    @rule(number=NUMBERS, at=st.integers(1, 50), stop=st.booleans())
    def drive_and_die(self, number: int, at: int, stop: bool) -> None:
        """A worker goes on; at some point it dies, or somebody asks it to stop."""
        name = self._named(number)

        def happens() -> None:
            if not stop:
                raise Killed
            self._order(c.Stop(self.office.actor(ANNA)), name)

        self.office.points.at, self.office.points.passed = at, 0
        self.office.points.happens = happens
        with suppress(Killed):
            self.office.worker().drive(name)
        self.office.points.at = 0

    @rule(number=NUMBERS)
    def drive(self, number: int) -> None:
        self.office.worker().drive(self._named(number))

    @rule(number=NUMBERS, minutes=st.sampled_from((1, 1, 10)))
    def time_passes(self, number: int, minutes: int) -> None:
        self.office.world.clock.time += timedelta(minutes=minutes)
        self._order(c.Tick(), self._named(number))

    @rule(number=NUMBERS, code=st.sampled_from((0, 1)))
    def engine(self, number: int, code: int) -> None:
        """Compose fails, or works again, while somebody writes a note."""
        self.office.world.engine.exit_code = code
        self._order(c.Note(self.office.actor(ZOYA), "seen"), self._named(number))

    @rule(person=PEOPLE, at_worker=st.booleans(), back=st.booleans())
    def roles_change(self, person: str, at_worker: bool, back: bool) -> None:
        if back:
            self.office.everybody_back()
        else:
            self.office.without_role(person, at_worker=at_worker)

    @invariant()
    def what_was_written_was_allowed(self) -> None:
        for name, state in self._states().items():
            events = self.office.events(name)
            for n in range(self.read.get(name, 0), len(events)):
                judge(events[: n + 1], self.office)
                if isinstance(events[n], e.UndoStarted):
                    self._only_the_latest_is_undone(name)
            self.read[name] = len(events)
            due(state)

    def _only_the_latest_is_undone(self, name: str) -> None:
        journal = self.office.journal().read("env")
        takers = [x.event.rollback_id for x in journal if isinstance(x.event, e.SlotTaken)]
        assert takers[takers.index(name) :] == [name] * takers.count(name)

    @invariant()
    def one_at_a_time(self) -> None:
        environment = self.office.book().environment()
        for name, state in self._states().items():
            if state.status.moving or state.status.waits_for_people:
                assert environment.slot is not None
                assert environment.slot.rollback_id == name
            assert state.status.ended == (name not in environment.open) or (
                state.status is Status.SUCCEEDED
            )
            if state.status.ended:
                assert name in environment.outcomes

    @invariant()
    def the_ended_stay_ended(self) -> None:
        for name, state in self._states().items():
            was = self.was.get(name)
            if was is not None and was.ended and was is not state.status:
                assert was is Status.SUCCEEDED
                assert any(isinstance(x, e.UndoStarted) for x in self.office.events(name))
            self.was[name] = state.status

    @invariant()
    def numbers_never_repeat(self) -> None:
        opened = [
            entry.event.number
            for entry in self.office.journal().read("env")
            if isinstance(entry.event, e.RollbackOpened)
        ]
        assert opened == list(range(1, len(opened) + 1))

    @invariant()
    def production_changes_only_in_its_turn(self) -> None:
        if len(self.office.recreated) > self.deployed:
            assert any(state.changed for state in self._states().values())
        self.deployed = len(self.office.recreated)

    @invariant()
    def there_is_a_way_out(self) -> None:
        """Half done: somebody with the right can say how it goes on, now or after the question."""
        environment, now = self.office.book().environment(), self.office.world.clock.now()
        for state in self._states().values():
            if not state.status.waits_for_people or not entitled(self.office.bots, state):
                continue
            asked = state.question
            if asked is not None and now < asked.expires_at:
                over = decide(
                    Case(environment, state), c.Tick(), self.office.bots, asked.expires_at
                )
                assert over.rollback
                continue
            actor = self.office.actor(entitled(self.office.bots, state)[0])
            command = c.Recover(actor, "abandon")
            assert decide(Case(environment, state), command, self.office.bots, now).rollback

    def teardown(self) -> None:
        """In the end every question was answered or has expired."""
        self.office.world.clock.time += timedelta(days=2)
        for name, state in self._states().items():
            self._order(c.Tick(), name)
            question = self.office.state(name).question
            assert question is None or state.status is Status.APPROVED

    def _states(self) -> dict[str, RollbackState]:
        book = self.office.book()
        found = {name: book.rollback(name) for name in book.environment().opened}
        return {name: state for name, state in found.items() if state is not None}


def entitled(runbook: Runbook, state: RollbackState) -> list[str]:
    """Who may at least ask how it goes on."""
    row = runbook.escalation[state.request.row]
    roles = {*row.may_ask, *row.roles}
    return [p for p in runbook.people if roles & set(runbook.roles_of(p))]


def judge(events: list[e.AnyEvent], office: Office) -> None:
    """The newest entry was allowed: by the entries before it and the runbook now in force."""
    newest = events[-1]
    requested = next(x for x in events if isinstance(x, e.Requested))
    planned = next((x for x in reversed(events) if isinstance(x, e.Planned)), None)
    if isinstance(newest, e.ExecutionStarted):
        assert planned is not None
        assert newest.plan_digest == planned.digest == planned.plan.digest()
        approvals = standing(events, planned.digest)
        assert fills(office.workers, requested.request.row, approvals, requested.requester)
    if isinstance(newest, e.StepIntended):
        assert planned is not None
        begun = [x for x in events if isinstance(x, e.ExecutionStarted)]
        changing = planned.plan.step(newest.step).phase in ("execute", "verify")
        assert not changing or begun[-1].plan_digest == planned.digest
    if isinstance(newest, GRANTED):
        asked = next(x for x in reversed(events) if isinstance(x, e.Asked))
        row = requested.request.row
        assert fills(office.bots, row, standing(events, asked.digest), asked.by)


def standing(events: Iterable[e.Event], digest: str) -> set[str]:
    """Who has said yes to exactly this since it was asked last, and not taken it back."""
    people: set[str] = set()
    for event in events:
        match event:
            case e.Asked() | e.ApprovalsVoided() | e.PlanChanged():
                people = set()
            case e.Approved(person=person, digest=found) if found == digest:
                people.add(person)
            case e.Withdrawn(person=person):
                people.discard(person)
            case _:
                pass
    return people


def fills(runbook: Runbook, row: str, people: set[str], asker: str) -> bool:
    """Whether distinct people of these hold the row's roles, one each: by trying them all."""
    needed = runbook.escalation[row]  # type: ignore[index]
    able = sorted(p for p in people if needed.self_approval or p != asker)
    return any(
        all(role in runbook.roles_of(p) for role, p in zip(needed.roles, chosen, strict=True))
        for chosen in permutations(able, len(needed.roles))
    )


TestRollbacks = Rollbacks.TestCase
TestRollbacks.settings = settings(
    max_examples=20,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
)
