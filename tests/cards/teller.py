"""Tells a rollback's story by folding real events, one after another in time."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from commands.domain import events as e
from commands.domain.decide.recovering import recovery_digest
from commands.domain.people import Identity, PersonId, Scenario
from commands.domain.plan import (
    AwaitHealthy,
    HoldStable,
    Phase,
    Plan,
    PlannedStep,
    ReadBack,
    RunCheck,
)
from commands.domain.proof import ProofItem, Verdict
from commands.domain.request import Request
from commands.domain.runbook import Channel, Runbook
from commands.domain.state import RollbackState, fold
from commands.domain.text import Text, text
from commands.planner.service import plan as planned_from
from tests.cards.people import NIGHT, facts, runbook
from workers.ending import check_results

HOME = Channel(platform="slack", workspace="T00000000", channel="C00000001")
SERVICES = ("api", "worker", "frontend")


def digest(words: str) -> str:
    """A digest as an engine would show it."""
    return f"sha256:{hashlib.sha256(words.encode()).hexdigest()}"


@dataclass
class Teller:
    """One rollback's journal in memory. `now` moves on as the story does."""

    runbook: Runbook = field(default_factory=runbook)
    now: datetime = NIGHT
    told: RollbackState | None = None
    said: list[e.RollbackEvent] = field(default_factory=list)

    @property
    def state(self) -> RollbackState:
        """The rollback as it stands."""
        assert self.told is not None
        return self.told

    def tell(self, *events: e.RollbackEvent, after_s: float = 0) -> Teller:
        """Fold events, that much later."""
        self.now += timedelta(seconds=after_s)
        for event in events:
            self.said.append(event)
            self.told = fold(self.told, event, self.now)
        return self

    def identity(self, person: PersonId) -> Identity:
        """Somebody's account in Slack."""
        accounts = self.runbook.people[person].identities()
        return next(a for a in accounts if a.platform == "slack")

    def ask(self, *services: str, by: PersonId = "anna", **more: object) -> Teller:
        """Somebody asks for these services, or for all of them."""
        wide = {"scenario": Scenario.FULL, "services": SERVICES}
        given = wide if not services else {"scenario": Scenario.SERVICE, "services": services}
        given |= {"environment": "production"}
        if "auto" not in more:
            given["version"] = "v1.2.3"
        return self.ask_for(Request.model_validate(given | more), by)

    def ask_for(self, request: Request, by: PersonId = "anna") -> Teller:
        """Somebody asks for exactly this."""
        asked = e.Requested(
            rollback_id="RB-17",
            number=17,
            request=request,
            requester=by,
            identity=self.identity(by),
            home=HOME,
            runbook_digest="r",
        )
        return self.tell(asked)

    def plan(self) -> Teller:
        """The worker's survey and plan, and the question that follows."""
        request = self.state.request
        return self.planned(planned_from(request, facts(request.services), self.runbook))

    def planned(self, plan: Plan) -> Teller:
        """This plan, and the question that follows."""
        digest = plan.digest()
        self.tell(e.Planned(plan=plan, digest=digest, seconds=0.4), after_s=1)
        if plan.request.dry_run:
            return self
        return self.question("execute", digest, self.state.requester)

    def prepare(self) -> Teller:
        """Images are pulled while people decide."""
        for step in self.state.planned(*_phases("prepare")):
            self.tell(e.StepIntended(step=step.number))
            self.tell(e.StepDone(step=step.number, seconds=3.2), after_s=3.2)
        return self

    def question(self, verb: e.AskVerb, digest: str, by: PersonId) -> Teller:
        """The row's roles are asked."""
        row = self.runbook.escalation[self.state.request.row]
        blocked = self.state.blocked() if verb != "execute" else None
        return self.tell(
            e.Asked(
                verb=verb,
                step=blocked.number if blocked else None,
                row=self.state.request.row,
                roles=row.roles,
                self_approval=row.self_approval,
                by=by,
                digest=digest,
                expires_at=self.now + self.runbook.expiry(self.state.request.row),
            )
        )

    def recover(self, verb: e.AskVerb, by: PersonId = "anna") -> Teller:
        """Somebody asks how it shall go on."""
        assert verb != "execute"
        return self.question(verb, recovery_digest(self.state, verb), by)

    def approve(self, *people: PersonId, after_s: float = 40) -> Teller:
        """Their yes, with the roles they hold."""
        for person in people:
            question = self.state.question
            assert question is not None
            held = tuple(r for r in question.roles if r in self.runbook.roles_of(person))
            yes = e.Approved(
                person=person,
                identity=self.identity(person),
                roles=held,
                digest=question.digest,
                evidence_digest="",
            )
            self.tell(yes, after_s=after_s)
        return self

    def start(self) -> Teller:
        """The slot is taken; production begins to change."""
        approved = self.state.approved
        people = tuple(approved.filled.values()) if approved else ()
        started = e.ExecutionStarted(
            plan_digest=self.state.plan_digest, evidence_digest="", approvers=people
        )
        return self.tell(started, after_s=1)

    def step(self, seconds: float = 1.0, proof: tuple[ProofItem, ...] | None = None) -> Teller:
        """The next step of production is done."""
        step = self.next()
        self.tell(e.StepIntended(step=step.number, before={"version": "v1.3.0"}))
        read = self.proof_of(step) if proof is None else proof
        done = e.StepDone(step=step.number, seconds=seconds, proof=read)
        return self.tell(done, after_s=seconds)

    def begin(self, so_far_s: float = 2.0) -> Teller:
        """The next step is under way for so long."""
        self.tell(e.StepIntended(step=self.next().number, before={"version": "v1.3.0"}))
        self.now += timedelta(seconds=so_far_s)
        return self

    def fail(self, error: Text, seconds: float = 60.0) -> Teller:
        """The next step fails."""
        step = self.next().number
        self.tell(e.StepIntended(step=step, before={"version": "v1.3.0"}))
        return self.tell(e.StepFailed(step=step, seconds=seconds, error=error), after_s=seconds)

    def doubt(self) -> Teller:
        """After a crash nobody can say whether the step had its effect."""
        step = self.next().number
        self.begin(so_far_s=1.0)
        why = text("step.in_doubt", step=step)
        return self.tell(e.StepInDoubt(step=step, why=why), after_s=7)

    def finish(self, *durations: float) -> Teller:
        """Every step that is left is done, and it is proven."""
        left = iter(durations)
        while self.state.pending(*_phases("execute", "verify")):
            self.step(next(left, 1.0))
        records = sorted(self.state.steps.items())
        proof = tuple(item for _, record in records for item in record.proof)
        return self.tell(e.Succeeded(proof=proof, checks=check_results(proof)))

    def walk_back(self, steps: int = 99) -> Teller:
        """So many steps are walked back."""
        while steps and (step := self.state.to_revert()):
            self.tell(e.StepIntended(step=step.number, direction="back"))
            done = e.StepDone(step=step.number, direction="back", seconds=0.8)
            self.tell(done, after_s=0.8)
            steps -= 1
        return self

    def next(self) -> PlannedStep:
        """The step of production that comes next."""
        step = self.state.pending(*_phases("execute", "verify"))
        assert step is not None
        return step

    def proof_of(self, step: PlannedStep, version: str = "v1.2.3") -> tuple[ProofItem, ...]:
        """What a step reads back when all is well."""
        match step.action:
            case AwaitHealthy(services=services):
                return tuple(_ok(s, "health", "HTTP 200") for s in services)
            case ReadBack(targets=targets):
                return tuple(
                    item
                    for t in targets
                    for item in (
                        _ok(t.service, "digest", digest(t.digest)),
                        _ok(t.service, "version", version),
                    )
                )
            case HoldStable(targets=targets):
                return tuple(_ok(t.service, "stable", "30 s, 28/28") for t in targets)
            case RunCheck(name=name):
                return (_ok(name, "smoke", "exit 0"),)
            case _:
                return ()


def _ok(service: str, what: str, found: str) -> ProofItem:
    return ProofItem.model_validate(
        {"service": service, "what": what, "found": found, "verdict": Verdict.OK}
    )


def _phases(*names: str) -> tuple[Phase, ...]:
    return tuple(Phase(name) for name in names)
