"""One small world for the steps: services at v1.3.0, v1.2.3 in the registry."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from commands.domain.errors import CommandTimedOutError
from commands.domain.plan import CommandLine, Plan, PlannedStep, Target
from commands.domain.runbook import Runbook
from commands.planner.service import plan
from commands.ports import ProgramOutcome
from tests.fakes.config_files import FakeConfigFiles
from tests.fakes.containers import FakeImage
from tests.fakes.history import FakeHistory
from tests.fakes.programs import FakePrograms
from tests.fakes.web import FakeWeb
from tests.unit.planner.world import REPOSITORY, SERVICES, facts, request, runbook, service_facts
from tests.unit.steps.engine import PinnedEngine, SteppedClock, pin_of
from workers.steps.ports import Ports
from workers.steps.progress import Step
from workers.steps.registry import build

OLD, NEW = "v1.2.3", "v1.3.0"


@dataclass(slots=True)
class World:
    """Everything that a step touches, and the plan it comes from."""

    book: Runbook
    files: FakeConfigFiles
    engine: PinnedEngine
    web: FakeWeb
    programs: FakePrograms
    clock: SteppedClock
    ports: Ports
    plan: Plan

    def step(self, kind: str, **ports: Any) -> Step:
        """The plan's first step of that kind."""
        return build(self.planned(kind), replace(self.ports, **ports), self.plan)

    def step_of(self, planned: PlannedStep) -> Step:
        return build(planned, self.ports, self.plan)

    def planned(self, kind: str) -> PlannedStep:
        return next(s for s in self.plan.steps if s.action.kind == kind)

    def versions(self) -> dict[str, str]:
        return {n: r.version for n, r in self.engine.project.items() if r.state == "running"}

    def answer(self, url: str, what: int | bytes | None) -> None:
        """From now on this URL answers with a status, with a body, or not at all."""
        self.web.answers.pop(url, None)
        if what is not None:
            self.web.answers[url] = (what, b"") if isinstance(what, int) else (200, what)

    def smoke(self, outcome: ProgramOutcome | CommandTimedOutError) -> None:
        """From now on the customer's check ends like this."""

        def run(command: CommandLine, timeout_s: float) -> ProgramOutcome:
            if isinstance(outcome, CommandTimedOutError):
                raise outcome
            return outcome

        self.programs.known["./smoke-test.sh"] = run


def released(service: str, version: str) -> FakeImage:
    """The image of a version, as it is in the registry."""
    return FakeImage.of(f"{REPOSITORY}-{service}", version)


def world(*services: str, pinned: str | None = NEW, **book: Any) -> World:
    """A world whose plan takes `services` (one: api) from v1.3.0 to v1.2.3."""
    named = services or ("api",)
    smoke = ({"title": {"ru": "Дым"}, "argv": ("./smoke-test.sh",)},)
    made = runbook(**({"smoke": smoke} | book))
    files = FakeConfigFiles({".env": b"# ours\nOTHER=1\n"})
    if pinned:
        for name in named:
            files.write_pin(pin_of(made, name, pinned), "")
    engine = PinnedEngine(made, files)
    for name in SERVICES:
        for version in (OLD, NEW):
            engine.publish(released(name, version))
        engine.here[f"{REPOSITORY}-{name}:{NEW}"] = released(name, NEW)
    for name in named:
        engine.deployed(name, NEW)
    web = FakeWeb({f"http://{s}/health": (200, b"") for s in SERVICES})
    programs = FakePrograms()
    clock = SteppedClock()
    history = FakeHistory(["older", "newer"], {OLD: 0, NEW: 1})
    ports = Ports(engine, files, web, programs, history, clock, made, "production", "RB-17")
    surveyed = facts(*(service_facts(n) for n in named))
    planned = plan(request(*named), surveyed, made)
    w = World(made, files, engine, web, programs, clock, ports, _with_digests(planned))
    w.smoke(ProgramOutcome(0, "all good", 1.5))
    return w


def _with_digests(planned: Plan) -> Plan:
    """The planner's world has digests of its own; here they are the registry's."""
    as_json = planned.model_dump(mode="json")

    def renamed(value: Any) -> Any:
        if isinstance(value, dict) and {"repository", "digest"} <= set(value):
            target = Target.model_validate(value)
            return value | {
                "digest": released(target.service, target.version).digest,
                "before": released(target.service, target.before_version).digest,
            }
        if isinstance(value, dict):
            return {key: renamed(item) for key, item in value.items()}
        return [renamed(item) for item in value] if isinstance(value, list) else value

    return Plan.model_validate(renamed(as_json))
