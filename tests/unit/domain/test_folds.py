"""Every event that a journal may hold can be folded, the newest ones of the database too."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

from commands.domain import events as e
from commands.domain.database import BackupRecord
from commands.domain.state import EnvironmentState, fold_environment
from commands.domain.state.fold import _BY_KIND
from commands.domain.state.fold_environment import folds

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


def test_every_event_of_a_rollback_has_its_fold() -> None:
    """An event that a newer step writes can never stop a reader of this release."""
    assert missing(e.RollbackEvent, _BY_KIND) == []


def test_every_event_of_an_environment_has_its_fold() -> None:
    """The environment's journal is read whole: nothing in it is without a fold."""
    assert missing(e.EnvironmentEvent, folds.by_kind) == []


def test_backups_and_deploys_are_remembered_the_newest_of_each_name() -> None:
    """A backup proven again replaces its older record; a deploy keeps the backup behind it."""
    state = EnvironmentState(name="production")
    taken = BackupRecord(name="a.dump", database="samokoder", taken_at=NOW)
    proven = taken.model_copy(update={"proven_at": NOW + timedelta(minutes=1)})

    fold_environment(state, e.BackupTaken(record=taken), NOW)
    fold_environment(state, e.BackupTaken(record=proven), NOW)
    fold_environment(state, e.DeployAnnounced(person="anna", backup="a.dump"), NOW)

    assert state.backups == (proven,)
    assert [(d.at, d.person, d.backup, d.version) for d in state.deploys] == [
        (NOW, "anna", "a.dump", "")
    ]


def missing(union: object, by_kind: Iterable[type[Any]]) -> list[type[Any]]:
    """The members of a union that no fold takes."""
    return [kind for kind in get_args(union) if kind not in set(by_kind)]
