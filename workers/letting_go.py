"""Let a kept database go, once people approved it: the only thing here that cannot come back."""

from __future__ import annotations

from collections.abc import Callable

from commands.domain import naming
from commands.domain.errors import CheckFailedError, RollbotError
from commands.domain.events import KeptDropped
from commands.domain.runbook import Runbook
from commands.domain.state import RollbackState
from commands.domain.text import Text, text
from commands.store.book import Book
from commands.store.witness import Witness
from workers.foreseen import foreseen
from workers.starting import may_go_on
from workers.steps.ports import Ports
from workers.vouching import doubt

LetGo = Callable[[RollbackState], tuple[str, ...]]
"""Drops what a rollback kept; returns the names. Raises RollbotError."""

BOUND = ("slot", "subscription")
"""Ties that would go with the database."""


def let_go(
    book: Book, state: RollbackState, witness: Witness, runbook: Runbook, drop: LetGo
) -> None:
    """Drop, and say so; or say why not, and it may be asked for again. Safe to repeat."""
    why = _unvouched(state, witness, runbook)
    if why is None:
        try:
            with foreseen():
                databases = drop(state)
        except RollbotError as error:
            why = error.text
    dropped = KeptDropped(failed=why) if why else KeptDropped(databases=databases)
    book.append(state, dropped)


def nothing_kept(state: RollbackState) -> tuple[str, ...]:  # noqa: ARG001 -- as `LetGo` asks
    """What a host without a database drops."""
    return ()


def _unvouched(state: RollbackState, witness: Witness, runbook: Runbook) -> Text | None:
    """This host goes by its own plan and its own runbook, whatever a signed journal says."""
    if not may_go_on(state, runbook):
        return text("step.not_entitled")
    return doubt(state, witness.says(state.id), None)


def drop_kept(ports: Ports, state: RollbackState) -> tuple[str, ...]:
    """Drop what is called after this rollback on production's server, its sessions ended.

    Names are made, never taken from the journal. Raises CheckFailedError: `db.keeps_name` for a
    name that the runbook calls production's, `db.keeps_tied` where replication hangs on it.
    """
    change = state.plan.schema_change if state.plan else None
    if change is None:
        return ()
    server, database = ports.production, change.database
    there = there_already(ports, database)
    in_use = {database, *_named(ports)}
    for name in there:
        if name in in_use:
            raise CheckFailedError("db.keeps_name", name=name)
        # Dropping a database deletes its slots without a word, and fails on a subscription.
        tied = tuple(one.name for one in server.ties(name) if one.what in BOUND)
        if tied:
            raise CheckFailedError("db.keeps_tied", name=name, ties=tied)
        server.drop(name)
    return there


def there_already(ports: Ports, database: str) -> tuple[str, ...]:
    """Which databases exist under the names that this rollback gives to its copies."""
    names = (
        name(database, ports.rollback_id) for name in (naming.kept, naming.left, naming.restored)
    )
    return tuple(name for name in names if ports.production.exists(name))


def _named(ports: Ports) -> tuple[str, ...]:
    """Production's databases of every environment in the runbook: they may share a server."""
    environments = ports.runbook.environments.values()
    return tuple(e.database.name for e in environments if e.database)
