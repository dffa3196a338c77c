"""Steps, built with the ports of a job and with what the journal knows of the rollback."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

from commands.domain.plan import Phase, PlannedStep, PullImage
from commands.domain.state import RollbackState, StepStatus
from workers.foreseen import Guarded
from workers.steps.ports import Known, Ports
from workers.steps.progress import Step
from workers.steps.pull_image import PRESENT
from workers.steps.registry import build


@dataclass(frozen=True, slots=True)
class Builder:
    """Builds a planned step with the ports of this job and what the journal knows."""

    ports: Ports

    def __call__(self, step: PlannedStep, state: RollbackState) -> Step:
        """The step, ready to be captured, probed, applied or reverted; it raises our errors only.

        It knows what the state knew when it was asked for, also where it is asked again.
        """
        if state.plan is None:
            raise ValueError(f"{state.id} has no plan")
        make = partial(build, step, with_state(self.ports, state), state.plan)
        return Guarded(make, changes=step.phase is Phase.EXECUTE)


def with_state(ports: Ports, state: RollbackState) -> Ports:
    """What steps must know of the rollback: when it switched, which images its pulls brought."""
    brought = frozenset(
        (step.action.target.repository, step.action.target.version)
        for step in (state.plan.steps if state.plan else ())
        if isinstance(step.action, PullImage)
        and state.record(step.number).status is StepStatus.DONE
        and state.record(step.number).before.get(PRESENT) == "no"
    )
    known = Known(
        captured={number: record.before for number, record in state.steps.items()},
        said={n: record.detail for n, record in state.steps.items() if record.detail},
        attempts={number: record.attempt for number, record in state.steps.items()},
        evidence=state.evidence,
    )
    return replace(ports, changed_at=state.switched_at, brought=brought, known=known)
