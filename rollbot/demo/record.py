"""Reads the demo's journal: what really happened is there and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass

from commands.domain.events import EVENTS, AnyEvent
from commands.domain.proof import Verdict
from commands.domain.state import EnvironmentState, RollbackState, fold, fold_environment
from commands.store.codec import Codec
from commands.store.connection import connect
from commands.store.journal import Journal
from commands.store.keys import ENVIRONMENT_JOURNAL


@dataclass(frozen=True, slots=True)
class Record:
    """The journals of one environment, verified entry by entry. Raises StoreError."""

    environment: str
    journal: Journal[AnyEvent]

    @classmethod
    def opened(cls, redis_url: str, environment: str, key: bytes) -> Record:
        """Connect with the key that signs this environment's entries."""
        codec = Codec(environment, EVENTS, key)
        return cls(environment, Journal(connect(redis_url), codec))

    def state(self) -> EnvironmentState:
        """The environment now: ledger, slot, inbox."""
        state = EnvironmentState(name=self.environment)
        for entry in self.journal.read(ENVIRONMENT_JOURNAL):
            state = fold_environment(state, entry.event, entry.at)
        return state

    def events(self, journal: str = ENVIRONMENT_JOURNAL) -> list[AnyEvent]:
        """What happened to the environment, or in one rollback, oldest first."""
        return [entry.event for entry in self.journal.read(journal)]

    def rollback(self, rollback_id: str) -> RollbackState | None:
        """One rollback now; None before it was asked for."""
        state: RollbackState | None = None
        for entry in self.journal.read(rollback_id):
            state = fold(state, entry.event, entry.at)
        return state

    def rollbacks(self) -> tuple[RollbackState, ...]:
        """All of them, oldest first."""
        found = (self.rollback(name) for name in self.journal.names())
        return tuple(state for state in found if state is not None)


def told(state: RollbackState) -> dict[str, object]:
    """One rollback as `--json` prints it. Times are seconds from the last approval to health."""
    healthy_s = None
    if state.approved_at and state.healthy_at:
        healthy_s = round((state.healthy_at - state.approved_at).total_seconds(), 3)
    return {
        "id": state.id,
        "scenario": state.request.scenario.value,
        "target": target_of(state),
        "state": state.status.value,
        "approvers": list(state.approvers),
        "proof": [item.model_dump(mode="json") for item in state.proof],
        "approval_to_healthy_s": healthy_s,
    }


def target_of(state: RollbackState) -> str:
    """`api v1.2.3`: what was to be rolled back and where to."""
    versions = {target.version for target in state.plan.targets} if state.plan else set()
    asked = state.request.version or "--auto"
    return f"{state.request.subject} {versions.pop() if len(versions) == 1 else asked}"


def is_proven(state: RollbackState) -> bool:
    """Whether everything that was to be read back was read back, and well."""
    return bool(state.proof) and all(item.verdict is Verdict.OK for item in state.proof)
