"""The end of an execution: proof gathered, slot released, deploys frozen, ledger told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from commands.domain.errors import RollbotError
from commands.domain.events import (
    EnvironmentEvent,
    Frozen,
    ReleaseRolledBack,
    RollbackClosed,
    SlotReleased,
    StepFailed,
    Succeeded,
    Undone,
)
from commands.domain.plan import Phase, PlannedStep, ReadBack, ReadSchema, SwitchRelease, Target
from commands.domain.proof import CheckResult, ProofItem, Verdict
from commands.domain.state import RollbackState, Status, StepRecord
from commands.domain.text import Text, text
from commands.ports import Clock
from commands.store.book import Book
from workers.steps.progress import Step

ANSWERS_WITHIN = timedelta(seconds=5)
"""How long after an undo a service that was just started may take to name its version."""

LOOK_S = 0.1


def finish(book: Book, state: RollbackState) -> None:
    """Every step is done: the proof is what the steps read back."""
    proof = tuple(item for record in _records(state) for item in record.proof)
    book.environment()
    book.append(
        state,
        Succeeded(proof=proof, checks=check_results(proof)),
        environment=(*_over(state, Status.SUCCEEDED), *_left_behind(state)),
    )


def check_results(proof: tuple[ProofItem, ...]) -> tuple[CheckResult, ...]:
    """What the checklist's machine points get: one result per kind of proof, the worst wins."""
    order = (Verdict.OK, Verdict.UNKNOWN, Verdict.BAD)
    kinds: dict[str, list[ProofItem]] = {}
    for item in proof:
        kinds.setdefault(item.what, []).append(item)
    if integrity := kinds.get("integrity"):
        # The checklist's own name for it: the database answers, and what it answers is sound.
        kinds["database"] = integrity
    return tuple(
        CheckResult(
            check=kind,
            verdict=max((item.verdict for item in items), key=order.index),
            figure=_figure(items),
        )
        for kind, items in kinds.items()
    )


def finish_undo(
    book: Book,
    state: RollbackState,
    build: Callable[[PlannedStep, RollbackState], Step],
    clock: Clock,
) -> None:
    """Everything is walked back: read back that what ran before runs again, on its own schema."""
    began: datetime = clock.now()
    proof: tuple[ProofItem, ...] = ()
    for planned in _read_back_steps(state):
        try:
            proof += _read_back(build(planned, state), _named_themselves(state), clock)
        except RollbotError as error:
            seconds = round((clock.now() - began).total_seconds(), 3)
            failed = StepFailed(
                step=planned.number, direction="back", seconds=seconds, error=error.text
            )
            book.append(state, failed)
            return
    _undone(book, state, proof)


def _read_back(step: Step, spoke: frozenset[str], clock: Clock) -> tuple[ProofItem, ...]:
    """What runs again; services that `spoke` before are asked until they do again, or are mute.

    An undo does not wait for health: what ran before may well have been ill.
    """
    until = clock.now() + ANSWERS_WITHIN
    while True:
        proof = step.apply().proof
        mute = {item.service for item in proof if item.verdict is Verdict.UNKNOWN}
        if not mute & spoke or clock.now() >= until:
            return proof
        clock.sleep(LOOK_S)


def _named_themselves(state: RollbackState) -> frozenset[str]:
    """The services that told their version while this rollback was proven."""
    items = [item for record in _records(state) for item in record.proof]
    return frozenset(i.service for i in (*items, *state.proof) if i.what == "version" and i.found)


def _undone(book: Book, state: RollbackState, proof: tuple[ProofItem, ...]) -> None:
    book.environment()
    book.append(state, Undone(proof=proof), environment=_over(state, Status.UNDONE))


def _read_back_steps(state: RollbackState) -> Iterator[PlannedStep]:
    """The plan's read-backs, asked about what ran before and the schema that it ran on."""
    change = state.plan.schema_change if state.plan else None
    for planned in state.plan.steps if state.plan else ():
        match planned.action:
            case ReadBack(targets=targets):
                before = ReadBack(targets=tuple(_before(t) for t in targets if t.before))
                yield planned.model_copy(update={"action": before})
            case ReadSchema() as schema if change:
                earlier = schema.model_copy(update={"revisions": change.before})
                yield planned.model_copy(update={"action": earlier})
            case _:
                pass


def _before(target: Target) -> Target:
    return target.model_copy(update={"digest": target.before, "version": target.before_version})


def _over(state: RollbackState, status: Status) -> tuple[EnvironmentEvent, ...]:
    switch_s = _switch_s(state) if status is Status.SUCCEEDED else None
    return (
        SlotReleased(rollback_id=state.id),
        RollbackClosed(rollback_id=state.id, outcome=status.value, switch_s=switch_s),
    )


def _switch_s(state: RollbackState) -> float | None:
    """From the first switch until all were healthy; None after a retry, which says little.

    Changing the database takes time of its own: that is no estimate for a service rollback.
    """
    if state.plan is None or state.plan.schema_change is not None:
        return None
    for planned in state.planned(Phase.EXECUTE):
        record = state.record(planned.number)
        if isinstance(planned.action, SwitchRelease):
            began_at, healthy_at = record.started_at, state.healthy_at
            if began_at is None or healthy_at is None or record.attempt > 1:
                return None
            return round((healthy_at - began_at).total_seconds(), 1)
    return None


def _left_behind(state: RollbackState) -> tuple[EnvironmentEvent, ...]:
    if state.plan is None:
        return ()
    bad = tuple(
        ReleaseRolledBack(
            service=target.service,
            version=target.before_version,
            digest=target.before,
            rollback_id=state.id,
        )
        for target in state.plan.targets
        if target.before and target.before != target.digest
    )
    return (*bad, Frozen(rollback_id=state.id))


def _records(state: RollbackState) -> list[StepRecord]:
    return [state.record(step.number) for step in (state.plan.steps if state.plan else ())]


def _figure(items: list[ProofItem]) -> Text:
    ok = sum(item.verdict is Verdict.OK for item in items)
    return text("checklist.figure", n=len(items), ok=ok, services=tuple(i.service for i in items))
