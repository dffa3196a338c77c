"""Reads the demo's journal: what really happened is there and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from commands.domain.events import AnyEvent
from commands.domain.proof import Verdict
from commands.domain.state import EnvironmentState, RollbackState
from commands.store.keys import ENVIRONMENT_JOURNAL
from commands.store.opening import Access, Store, open_store


@dataclass(frozen=True, slots=True)
class Record:
    """The journals of one environment, verified entry by entry. Raises StoreError."""

    store: Store

    @classmethod
    def opened(cls, access: Access) -> Record:
        """Connect with the key that signs this environment's entries."""
        return cls(open_store(access))

    def close(self) -> None:
        """Let the connection go."""
        self.store.client.close()

    def has_worker(self) -> bool:
        """Whether a worker is there to do what is asked for."""
        return bool(self.store.workers(datetime.now(UTC)))

    def state(self) -> EnvironmentState:
        """The environment now: ledger, slot, inbox."""
        return self.store.book.environment()

    def events(self, journal: str = ENVIRONMENT_JOURNAL) -> list[AnyEvent]:
        """What happened to the environment, or in one rollback, oldest first."""
        return [entry.event for entry in self.store.book.entries(journal)]

    def rollbacks(self) -> tuple[RollbackState, ...]:
        """All of them, oldest first."""
        book = self.store.book
        found = (book.rollback(name) for name in book.journal.names())
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
    """`api v1.2.3`, `db r05`: what was to be rolled back and where to."""
    if state.request.changes_database:
        change = state.plan.schema_change if state.plan else None
        return f"db {', '.join(change.after) if change else state.request.revision}"
    versions = {target.version for target in state.plan.targets} if state.plan else set()
    asked = state.request.version or "--auto"
    return f"{state.request.subject} {versions.pop() if len(versions) == 1 else asked}"


def is_proven(state: RollbackState) -> bool:
    """Whether everything that was to be read back was read back, and well."""
    return bool(state.proof) and all(item.verdict is Verdict.OK for item in state.proof)
