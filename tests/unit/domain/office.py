"""An environment in memory: commands are decided and folded, nothing else happens."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from commands.domain import command as c
from commands.domain import events as e
from commands.domain.decide import Case, Decision, decide
from commands.domain.people import Identity, Scenario
from commands.domain.plan import (
    CommandLine,
    DropPrepared,
    Phase,
    Plan,
    PlannedStep,
    PullImage,
    SwitchRelease,
    Target,
    UndoKind,
)
from commands.domain.request import Request
from commands.domain.runbook import Channel, Runbook
from commands.domain.state import EnvironmentState, RollbackState, fold, fold_environment
from commands.domain.text import text
from commands.runbook import parse_runbook, shipped_runbook
from tests.fakes.database_plans import database_plan, database_request

HOME = Channel(platform="slack", workspace="T00000000", channel="C00000001")
SERVICES = ("api", "worker", "frontend")
ANNA, BORIS, VERA, EGOR, ZOYA, IVAN, GLEB, DARYA = (
    "anna",
    "boris",
    "vera",
    "egor",
    "zoya",
    "ivan",
    "gleb",
    "darya",
)


def shipped(**rows: dict[str, object]) -> Runbook:
    """The shipped runbook, its escalation rows changed as given (`full={"self_approval": ...}`)."""
    runbook = parse_runbook(shipped_runbook())
    changed = {
        row: definition.model_copy(update=rows.get(row, {}))
        for row, definition in runbook.escalation.items()
    }
    return runbook.model_copy(update={"escalation": changed})


def request(scenario: Scenario = Scenario.SERVICE, version: str = "v1.2.3") -> Request:
    """Ask for `api`, for everything when the scenario is wider, or for a migration back."""
    if scenario in (Scenario.DATABASE, Scenario.RESTORE):
        return database_request(scenario=scenario)
    services = ("api",) if scenario is Scenario.SERVICE else SERVICES
    return Request(environment="production", scenario=scenario, services=services, version=version)


def plan_of(asked: Request) -> Plan:
    """A plan in three steps: pull, switch, drop; of a database the whole one."""
    if asked.scenario in (Scenario.DATABASE, Scenario.RESTORE):
        return database_plan(asked)
    targets = tuple(
        Target(
            service=name,
            compose_service=name,
            repository=f"samokoder-{name}",
            version=asked.version or "v1",
            digest=f"sha256:{name}-new",
            before=f"sha256:{name}-old",
        )
        for name in asked.services
    )
    up = CommandLine(argv=("docker", "compose", "up", "-d", *asked.services))
    actions = (
        (Phase.PREPARE, PullImage(target=targets[0]), UndoKind.NOTHING),
        (Phase.EXECUTE, SwitchRelease(targets=targets, command=up), UndoKind.REVERT),
        (Phase.CLEAN_UP, DropPrepared(targets=targets), UndoKind.NOTHING),
    )
    steps = tuple(
        PlannedStep(number=n, phase=phase, action=action, undo=undo, timeout_s=60)
        for n, (phase, action, undo) in enumerate(actions, start=1)
    )
    return Plan(request=asked, runbook_digest="r", targets=targets, steps=steps)


@dataclass
class Office:
    """Both kinds of journal of one environment, folded."""

    runbook: Runbook = field(default_factory=shipped)
    now: datetime = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
    environment: EnvironmentState = field(
        default_factory=lambda: EnvironmentState(name="production")
    )
    rollbacks: dict[str, RollbackState] = field(default_factory=dict)
    said: dict[str, list[e.Event]] = field(default_factory=dict)

    def actor(self, person: str, platform: str = "slack") -> c.Actor:
        """A person at one of their accounts."""
        accounts: set[Identity] = set(self.runbook.people[person].identities())
        return c.Actor(person, next(a for a in accounts if a.platform == platform))

    def order(self, command: c.Command, rollback_id: str = "") -> Decision:
        """Decide and fold. Raises what `decide` raises."""
        case = Case(self.environment, self.rollbacks.get(rollback_id))
        decision = decide(case, command, self.runbook, self.now)
        self.append(decision.rollback_id, *decision.rollback, environment=decision.environment)
        return decision

    def append(
        self, rollback_id: str, *events: e.Event, environment: tuple[e.Event, ...] = ()
    ) -> None:
        """Fold events, as a worker would write them."""
        for event in environment:
            fold_environment(self.environment, event, self.now)
        for event in events:
            before = self.rollbacks.get(rollback_id)
            self.rollbacks[rollback_id] = fold(before, event, self.now)
            self.said.setdefault(rollback_id, []).append(event)

    def ask(self, person: str, scenario: Scenario = Scenario.SERVICE, **words: str) -> str:
        """Ask and plan; the id of the rollback that waits for approval."""
        asked = request(scenario, **words)
        decision = self.order(c.Ask(self.actor(person), asked, HOME))
        if self.rollbacks[decision.rollback_id].plan is None:
            self.plan(decision.rollback_id)
        return decision.rollback_id

    def plan(self, rollback_id: str) -> None:
        """What the worker writes after its survey."""
        state = self.rollbacks[rollback_id]
        plan, row = plan_of(state.request), self.runbook.escalation[state.request.row]
        self.append(
            rollback_id,
            e.Planned(plan=plan, digest=plan.digest(), seconds=0.1),
            e.Asked(
                verb="execute",
                row=state.request.row,
                roles=row.roles,
                self_approval=row.self_approval,
                by=state.requester,
                digest=plan.digest(),
                expires_at=self.now + self.runbook.expiry(state.request.row),
            ),
        )

    def approve(self, rollback_id: str, person: str, platform: str = "slack") -> Decision:
        """One person's yes, by the button of the open question."""
        question = self.state(rollback_id).question
        nonce = question.nonce if question else ""
        return self.order(c.Approve(self.actor(person, platform), nonce), rollback_id)

    def start(self, rollback_id: str) -> None:
        """What the worker writes when it begins: slot taken, the pull done."""
        state = self.rollbacks[rollback_id]
        started = e.ExecutionStarted(
            plan_digest=state.plan_digest, evidence_digest="", approvers=()
        )
        self.append(rollback_id, e.StepIntended(step=1), e.StepDone(step=1, seconds=1))
        taken = (e.SlotTaken(rollback_id=rollback_id),)
        self.append(rollback_id, started, environment=taken)

    def fail(self, rollback_id: str) -> None:
        """The switch fails half-way."""
        self.append(
            rollback_id,
            e.StepIntended(step=2, before={"api": "sha256:api-old"}),
            e.StepFailed(step=2, seconds=1, error=text("check.unhealthy", service="api")),
        )

    def succeed(self, rollback_id: str) -> None:
        """Everything was done and proven."""
        over = (
            e.SlotReleased(rollback_id=rollback_id),
            e.RollbackClosed(rollback_id=rollback_id, outcome="succeeded"),
            e.Frozen(rollback_id=rollback_id),
        )
        done = (e.StepIntended(step=2), e.StepDone(step=2, seconds=1), e.Succeeded(proof=()))
        self.append(rollback_id, *done, environment=over)

    def run(self, rollback_id: str, *phases: Phase) -> None:
        """A worker does every step of these phases that is not done."""
        while step := self.state(rollback_id).pending(*phases):
            done = e.StepDone(step=step.number, seconds=1)
            intended = e.StepIntended(step=step.number, before={"seen": "yes"})
            self.append(rollback_id, intended, done)

    def walk_back(self, rollback_id: str) -> None:
        """A worker walks the whole way back."""
        while step := self.state(rollback_id).to_revert():
            intended = e.StepIntended(step=step.number, direction="back")
            done = e.StepDone(step=step.number, direction="back", seconds=1)
            self.append(rollback_id, intended, done)
        over = (
            e.SlotReleased(rollback_id=rollback_id),
            e.RollbackClosed(rollback_id=rollback_id, outcome="undone"),
        )
        self.append(rollback_id, e.Undone(), environment=over)

    def later(self, **delta: float) -> None:
        """Let time pass."""
        self.now += timedelta(**delta)

    def state(self, rollback_id: str) -> RollbackState:
        """The rollback as it stands."""
        return self.rollbacks[rollback_id]

    def without_role(self, person: str, role: str) -> None:
        """Somebody loses a role."""
        old = self.runbook.roles[role]
        left = tuple(p for p in old.members if p != person)
        roles = {**self.runbook.roles, role: old.model_copy(update={"members": left})}
        self.runbook = self.runbook.model_copy(update={"roles": roles})


def pressed(command: c.Approve, nonce: str) -> c.Approve:
    """The same, by a button."""
    return replace(command, nonce=nonce)
