"""The ordered steps of a service rollback, with their limits, budgets and ways back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

from commands.domain.facts import Facts
from commands.domain.plan import (
    Action,
    AwaitHealthy,
    DropPrepared,
    HoldStable,
    Phase,
    PinVersion,
    PlannedStep,
    PullImage,
    ReadBack,
    RunCheck,
    SwitchRelease,
    Target,
    UndoKind,
)
from commands.domain.request import Request
from commands.domain.runbook import EnvironmentDefinition, Runbook
from commands.planner import argv
from commands.planner.pins import keep_as, pin_for, pin_path

PIN_TIMEOUT_S = 10.0
READ_BACK_TIMEOUT_S = 30.0
HOLD_MARGIN_S = 15.0
DROP_TIMEOUT_S = 60.0

Drafts: TypeAlias = Iterator[PlannedStep]


def steps(
    request: Request, facts: Facts, runbook: Runbook, targets: tuple[Target, ...]
) -> tuple[PlannedStep, ...]:
    """Every step in its order, numbered from 1 over all phases."""
    environment = runbook.environments[request.environment]
    drafts = [
        *pulls(runbook, targets),
        *pins(facts, runbook, environment, targets),
        *switches(runbook, environment, targets),
        *verify(runbook, environment, targets),
        _clean_up(targets),
    ]
    return numbered(drafts)


def numbered(drafts: Iterable[PlannedStep]) -> tuple[PlannedStep, ...]:
    """The same steps, numbered from 1 over all phases."""
    return tuple(s.model_copy(update={"number": n}) for n, s in enumerate(drafts, start=1))


def side_by_side(
    targets: Sequence[Target], after: dict[str, tuple[str, ...]]
) -> tuple[tuple[Target, ...], ...]:
    """Groups in their order: a service waits for those of its `after` that are switched too.

    Services that wait for each other (a circle) go together at the end.
    """
    left = list(targets)
    groups: list[tuple[Target, ...]] = []
    while left:
        waiting = {t.service for t in left}
        free = [t for t in left if not waiting & set(after.get(t.service, ()))] or left
        groups.append(tuple(free))
        left = [t for t in left if t not in free]
    return tuple(groups)


def pulls(runbook: Runbook, targets: tuple[Target, ...]) -> Drafts:
    """Have every image here before people decide."""
    for target in targets:
        yield step(Phase.PREPARE, PullImage(target=target), runbook.timing.pull_timeout_s)


def pins(
    facts: Facts, runbook: Runbook, environment: EnvironmentDefinition, targets: tuple[Target, ...]
) -> Drafts:
    """Write every version where Compose reads it."""
    compose = environment.compose
    path = pin_path(compose)
    wanted = (pin_for(compose, t.service, runbook.services[t.service], t.version) for t in targets)
    fingerprints = {p.path: p.fingerprint for s in facts.services if (p := s.pin)}
    for pin in dict.fromkeys(wanted):
        action = PinVersion(pin=pin, keep_as=keep_as(path, fingerprints.get(path, "")))
        yield step(Phase.EXECUTE, action, PIN_TIMEOUT_S, "switch", UndoKind.REVERT)


def switches(
    runbook: Runbook, environment: EnvironmentDefinition, targets: tuple[Target, ...]
) -> Drafts:
    """Switch group by group, each healthy before the next."""
    after = {name: service.after for name, service in runbook.services.items()}
    for group in side_by_side(targets, after):
        command = argv.switch(environment.compose, (t.compose_service for t in group))
        switch = SwitchRelease(targets=group, command=command)
        limit_s = runbook.timing.switch_timeout_s
        yield step(Phase.EXECUTE, switch, limit_s, "switch", UndoKind.REVERT)
        patience_s = max(runbook.services[t.service].health_timeout_s for t in group)
        wait = AwaitHealthy(services=tuple(t.service for t in group))
        yield step(Phase.EXECUTE, wait, patience_s, "switch")


def verify(
    runbook: Runbook, environment: EnvironmentDefinition, targets: tuple[Target, ...]
) -> Drafts:
    """The proof, a while of calm, the customer's own checks."""
    yield step(Phase.VERIFY, ReadBack(targets=targets), READ_BACK_TIMEOUT_S, "verify")
    stable_s = runbook.timing.stable_s
    hold = HoldStable(targets=targets, stable_s=stable_s)
    yield step(Phase.VERIFY, hold, stable_s + HOLD_MARGIN_S, "verify")
    for smoke in environment.smoke:
        # The customer's own words for it, in the language of the shared cards.
        name = smoke.title.say(runbook.language)
        check = RunCheck(name=name, command=argv.own(environment.compose, smoke))
        yield step(Phase.VERIFY, check, smoke.timeout_s, "verify")


def _clean_up(targets: tuple[Target, ...]) -> PlannedStep:
    return step(Phase.CLEAN_UP, DropPrepared(targets=targets), DROP_TIMEOUT_S)


def step(
    phase: Phase,
    action: Action,
    timeout_s: float,
    budget: str = "none",
    undo: UndoKind = UndoKind.NOTHING,
) -> PlannedStep:
    """One step, its number still to be given."""
    return PlannedStep.model_validate(
        {
            "number": 1,
            "phase": phase,
            "action": action,
            "undo": undo,
            "timeout_s": timeout_s,
            "budget": budget,
        }
    )
