"""One small world for the steps: services at v1.3.0, v1.2.3 in the registry."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from commands.domain.plan import Plan, PlannedStep, Target
from commands.domain.runbook import Runbook
from commands.planner.service import plan
from commands.ports import ProgramOutcome
from tests.fakes.config_files import FakeConfigFiles
from tests.unit.planner.world import REPOSITORY, SERVICES, facts, request, runbook, service_facts
from tests.unit.steps.engine import (
    FakeEngine,
    FakeHistory,
    FakePrograms,
    FakeWeb,
    SteppedClock,
    pin_of,
)
from workers.steps.ports import Ports
from workers.steps.progress import Step
from workers.steps.registry import build

OLD, NEW = "v1.2.3", "v1.3.0"


@dataclass(slots=True)
class World:
    """Everything that a step touches, and the plan it comes from."""

    book: Runbook
    files: FakeConfigFiles
    engine: FakeEngine
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
        return {n: r.version for n, r in self.engine.containers.items() if r.state == "running"}


def image_id(service: str, version: str) -> str:
    return f"sha256:{service}-{version}"


def world(*services: str, pinned: str | None = NEW, **book: Any) -> World:
    """A world whose plan takes `services` (one: api) from v1.3.0 to v1.2.3."""
    named = services or ("api",)
    smoke = ({"title": {"ru": "Дым"}, "argv": ("./smoke-test.sh",)},)
    made = runbook(**({"smoke": smoke} | book))
    files = FakeConfigFiles({".env": b"# ours\nOTHER=1\n"})
    if pinned:
        for name in named:
            files.write_pin(pin_of(made, name, pinned), "")
    local = {(f"{REPOSITORY}-{s}", NEW): image_id(s, NEW) for s in SERVICES}
    remote = {(f"{REPOSITORY}-{s}", v): image_id(s, v) for s in SERVICES for v in (OLD, NEW)}
    engine = FakeEngine(made, files, local, remote)
    for name in named:
        engine.start(name, NEW)
    web = FakeWeb({f"http://{s}/health": 200 for s in SERVICES})
    programs = FakePrograms(ProgramOutcome(0, "all good", 1.5))
    clock = SteppedClock()
    ports = Ports(
        engine, files, web, programs, FakeHistory(), clock, made, "production", "RB-17"
    )  # fmt: skip
    surveyed = facts(*(service_facts(n) for n in named))
    planned = plan(request(*named), surveyed, made)
    return World(made, files, engine, web, programs, clock, ports, _with_ids(planned))


def _with_ids(planned: Plan) -> Plan:
    """The planner's world says digests; this engine knows only one name of an image."""
    as_json = planned.model_dump(mode="json")

    def renamed(value: Any) -> Any:
        if isinstance(value, dict) and {"repository", "digest"} <= set(value):
            target = Target.model_validate(value)
            return value | {
                "digest": image_id(target.service, target.version),
                "before": image_id(target.service, target.before_version),
            }
        if isinstance(value, dict):
            return {key: renamed(item) for key, item in value.items()}
        return [renamed(item) for item in value] if isinstance(value, list) else value

    return Plan.model_validate(renamed(as_json))
