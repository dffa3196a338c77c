"""Fold an environment's events into its state."""

from __future__ import annotations

from datetime import datetime

from commands.domain import events as e
from commands.domain.facts import LedgerLine
from commands.domain.runbook import RowId
from commands.domain.state.environment import (
    BACKUPS_KEPT,
    DEPLOYS_KEPT,
    SEEN_DELIVERIES_KEPT,
    SWITCHES_KEPT,
    Deploy,
    EnvironmentState,
    Freeze,
    OpenRollback,
    Slot,
)
from commands.domain.state.folds import Folds

ROWS_BY_WIDTH: tuple[RowId, ...] = ("api", "config", "db", "full")
"""Escalation rows, the one that is hardest to fill last."""

folds: Folds[EnvironmentState] = Folds()


def fold_environment(state: EnvironmentState, event: e.Event, at: datetime) -> EnvironmentState:
    """The state after one more event. Raises KeyError for an event of another journal."""
    folds.by_kind[type(event)](state, event, at)
    state.position += 1
    return state


@folds(e.RollbackOpened)
def _opened(state: EnvironmentState, event: e.RollbackOpened, at: datetime) -> None:
    opened = OpenRollback(event.rollback_id, event.request, event.requester, at)
    state.last_number = max(state.last_number, event.number)
    state.opened[event.rollback_id] = state.open[event.rollback_id] = opened


@folds(e.RollbackClosed)
def _closed(state: EnvironmentState, event: e.RollbackClosed, at: datetime) -> None:
    state.open.pop(event.rollback_id, None)
    state.outcomes[event.rollback_id] = event.outcome
    if state.claimed_by == event.rollback_id:
        state.claimed_by = ""
    opened = state.opened.get(event.rollback_id)
    if opened is not None and event.switch_s is not None:
        services = opened.request.services
        earlier = state.switches_s.get(services, ())
        state.switches_s[services] = (*earlier, event.switch_s)[-SWITCHES_KEPT:]


@folds(e.SlotTaken)
def _taken(state: EnvironmentState, event: e.SlotTaken, at: datetime) -> None:
    state.slot = Slot(event.rollback_id, at)
    # However it ends: what is left half-way is a change too.
    state.last_changed_by = event.rollback_id
    if state.claimed_by == event.rollback_id:
        state.claimed_by = ""
    if opened := state.opened.get(event.rollback_id):
        # An undo of an ended rollback opens it again.
        state.open[event.rollback_id] = opened


@folds(e.SlotReleased)
def _released(state: EnvironmentState, event: e.SlotReleased, at: datetime) -> None:
    if state.slot and state.slot.rollback_id == event.rollback_id:
        state.slot = None


@folds(e.SlotClaimed)
def _claimed(state: EnvironmentState, event: e.SlotClaimed, at: datetime) -> None:
    state.claimed_by = event.rollback_id


@folds(e.Frozen)
def _frozen(state: EnvironmentState, event: e.Frozen, at: datetime) -> None:
    earlier = state.freeze
    frozen = Freeze(at, event.person, event.rollback_id, event.reason)
    if earlier is not None:
        # Whoever froze first still has their reason; the wider row has to let deploys go on.
        wider = _row(state, frozen.rollback_id) >= _row(state, earlier.rollback_id)
        frozen = Freeze(
            earlier.since,
            earlier.person or event.person,
            frozen.rollback_id if wider and frozen.rollback_id else earlier.rollback_id,
            earlier.reason or event.reason,
        )
    state.freeze, state.unfreeze_yes = frozen, {}


def _row(state: EnvironmentState, rollback_id: str) -> int:
    """How much its escalation row wants; a person's freeze wants what an API rollback does."""
    opened = state.opened.get(rollback_id)
    return ROWS_BY_WIDTH.index(opened.request.row if opened else "api")


@folds(e.UnfreezeAsked)
def _unfreeze_asked(state: EnvironmentState, event: e.UnfreezeAsked, at: datetime) -> None:
    state.unfreeze_yes[event.person] = event.roles


@folds(e.Unfrozen)
def _unfrozen(state: EnvironmentState, event: e.Unfrozen, at: datetime) -> None:
    state.freeze, state.unfreeze_yes = None, {}


@folds(e.ReleaseSeen)
def _seen(state: EnvironmentState, event: e.ReleaseSeen, at: datetime) -> None:
    key = (event.service, event.digest)
    line = state.ledger.get(key) or LedgerLine(
        service=event.service, version=event.version, digest=event.digest, first_seen_at=at
    )
    update: dict[str, object] = {"version": event.version or line.version}
    if event.running:
        update["last_seen_at"] = at
    state.ledger[key] = line.model_copy(update=update)


@folds(e.ReleaseProven)
def _proven(state: EnvironmentState, event: e.ReleaseProven, at: datetime) -> None:
    key = (event.service, event.digest)
    line = state.ledger.get(key) or LedgerLine(
        service=event.service, version=event.version, digest=event.digest, first_seen_at=at
    )
    state.ledger[key] = line.model_copy(update={"proven": event.proven, "last_seen_at": at})


@folds(e.ReleaseRolledBack)
def _rolled_back(state: EnvironmentState, event: e.ReleaseRolledBack, at: datetime) -> None:
    key = (event.service, event.digest)
    line = state.ledger.get(key) or LedgerLine(
        service=event.service, version=event.version, digest=event.digest, first_seen_at=at
    )
    state.ledger[key] = line.model_copy(update={"rolled_back_by": event.rollback_id})


@folds(e.BackupTaken)
def _backup(state: EnvironmentState, event: e.BackupTaken, at: datetime) -> None:
    others = tuple(one for one in state.backups if one.name != event.record.name)
    state.backups = (*others, event.record)[-BACKUPS_KEPT:]


@folds(e.DeployAnnounced)
def _deploy(state: EnvironmentState, event: e.DeployAnnounced, at: datetime) -> None:
    announced = Deploy(at, event.person, event.backup, event.version)
    state.deploys = (*state.deploys, announced)[-DEPLOYS_KEPT:]


@folds(e.Received)
def _received(state: EnvironmentState, event: e.Received, at: datetime) -> None:
    state.pending[event.incoming.delivery_id] = event.incoming
    state.seen[event.incoming.delivery_id] = None
    if len(state.seen) > SEEN_DELIVERIES_KEPT:
        state.seen.pop(next(iter(state.seen)))


@folds(e.Handled)
def _handled(state: EnvironmentState, event: e.Handled, at: datetime) -> None:
    state.pending.pop(event.delivery_id, None)


@folds(e.Refused)
def _refused(state: EnvironmentState, event: e.Refused, at: datetime) -> None:
    state.refusals += 1
