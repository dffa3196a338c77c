"""Which class does which kind of action: every kind has one (a test walks the union)."""

from __future__ import annotations

from commands.domain import plan as planned
from commands.domain.plan import Pin, Plan, PlannedStep
from commands.planner.pins import pin_for
from workers.steps.await_healthy import AwaitHealthy
from workers.steps.database_registry import build_on_database
from workers.steps.drop_prepared import DropPrepared
from workers.steps.hold_stable import HoldStable
from workers.steps.pin_version import PinVersion
from workers.steps.ports import Ports
from workers.steps.progress import Step
from workers.steps.pull_image import PullImage
from workers.steps.read_back import ReadBack
from workers.steps.run_check import RunCheck
from workers.steps.switch_release import SwitchRelease


def build(step: PlannedStep, ports: Ports, plan: Plan) -> Step:  # noqa: PLR0911 - one per kind
    """The step that carries this planned one out."""
    match step.action:
        case planned.PullImage(target=target):
            return PullImage(ports.containers, target, step.timeout_s)
        case planned.PinVersion(pin=pin, keep_as=keep_as):
            return PinVersion(ports.files, pin, keep_as, _ran_before(pin, ports, plan))
        case planned.SwitchRelease() as switch:
            return _switch(switch, step, ports, plan)
        case planned.AwaitHealthy(services=services):
            return AwaitHealthy(ports, services)
        case planned.ReadBack(targets=targets):
            return ReadBack(ports, targets)
        case planned.HoldStable(targets=targets, stable_s=stable_s):
            return HoldStable(ports, targets, stable_s)
        case planned.RunCheck(name=name, command=command):
            return RunCheck(ports.programs, name, command, step.timeout_s)
        case planned.DropPrepared(targets=targets):
            return DropPrepared(ports, targets)
        case other:
            if found := build_on_database(step, ports, plan):
                return found
            raise NotImplementedError(other.kind)


def _switch(
    switch: planned.SwitchRelease, step: PlannedStep, ports: Ports, plan: Plan
) -> SwitchRelease:
    kept = (s.action.keep_as for s in plan.steps if isinstance(s.action, planned.PinVersion))
    return SwitchRelease(
        ports,
        switch.targets,
        switch.command,
        keep_as=next(kept, ""),
        timeout_s=step.timeout_s,
        pull_timeout_s=ports.runbook.timing.pull_timeout_s,
    )


def _ran_before(pin: Pin, ports: Ports, plan: Plan) -> frozenset[str]:
    """What this pin says while `SwitchRelease.revert` brings back what ran before."""
    earlier = (
        pin_for(ports.compose, t.service, ports.service(t.service), t.before_version)
        for t in plan.targets
        if t.before_version
    )
    return frozenset(p.value for p in earlier if (p.path, p.name) == (pin.path, pin.name))
