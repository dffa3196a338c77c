"""The walk that the executor does over a plan, without a journal: for tests of real engines."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from commands.domain.people import Scenario
from commands.domain.plan import Phase, Plan
from commands.domain.proof import ProofItem
from commands.domain.request import Request
from commands.domain.runbook import (
    Compose,
    EnvironmentDefinition,
    Own,
    Person,
    RoleDefinition,
    Runbook,
    ServiceDefinition,
    Timing,
)
from commands.planner.service import plan
from workers.steps.ports import Ports
from workers.steps.registry import build
from workers.survey import Surveyor


@dataclass(slots=True)
class Walk:
    """One environment with its real adapters. `captured` is what each begun step captured."""

    ports: Ports
    captured: dict[int, dict[str, str]] = field(default_factory=dict)

    def plan(self, version: str, *services: str) -> Plan:
        """Survey and plan; no ledger."""
        p = self.ports
        surveyor = Surveyor(p.runbook, p.environment, p.containers, p.files, p.history, p.clock)
        request = Request(
            environment=p.environment,
            scenario=Scenario.SERVICE,
            services=services,
            version=version,
        )
        return plan(request, surveyor.survey(request, ()), p.runbook)

    def carry_out(self, planned: Plan) -> list[ProofItem]:
        """Every step, forth. The proof that they give."""
        proof: list[ProofItem] = []
        for step in planned.steps:
            if step.phase is not Phase.CLEAN_UP:
                made = build(step, self.ports, planned)
                self.captured[step.number] = made.capture()
                proof += made.apply().proof
        return proof

    def undo(self, planned: Plan) -> None:
        """Walk back in reverse order, over the steps that were begun."""
        for step in reversed(planned.steps):
            if step.number in self.captured:
                build(step, self.ports, planned).revert(self.captured[step.number])

    def with_service(self, name: str, **changes: Any) -> None:
        """Change the runbook's word on one service."""
        book = self.ports.runbook
        changed = book.services[name].model_copy(update=changes)
        services = {**book.services, name: changed}
        self.ports = replace(self.ports, runbook=book.model_copy(update={"services": services}))


def small_runbook(compose: Compose, services: dict[str, ServiceDefinition]) -> Runbook:
    """One environment, one check of its own, a short hold."""
    smoke = Own.model_validate({"title": {"ru": "Дым"}, "argv": ("/bin/echo", "all good")})
    return Runbook(
        version="1",
        environments={
            "production": EnvironmentDefinition(title="PROD", compose=compose, smoke=(smoke,))
        },
        services=services,
        people={"anna": Person(name="Анна")},
        roles={"oncall": RoleDefinition.model_validate({"title": {"ru": "Дежурный"}})},
        escalation={},
        timing=Timing(stable_s=1.5),
        digest="r" * 64,
    )
