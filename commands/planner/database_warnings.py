"""What people should know of a database rollback before they decide. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Literal

from commands.domain.database import DatabaseFacts, Revision
from commands.domain.database_definition import Database
from commands.domain.text import Text, text

LONG_S = 5.0
AUTOCOMMIT = "plan.db_autocommit"
"""Of a path that a failure may leave half done: what carries it out goes by it, too."""

OFFLINE = "offline"
"""`losses_why` when the migration tool could not print what it would run."""

_SHOWN = 5


def of_downgrade(
    database: DatabaseFacts,
    path: tuple[Revision, ...],
    clone: Literal["made", "room", "always", "never"],
) -> Iterator[Text]:
    """Of the scripts on the way back, and of what they take away.

    `clone`: one is made, or why there is none: there is no `room`, or the runbook says `never`.
    """
    empty = tuple(one.id for one in path if one.empty and len(one.down) <= 1)
    if empty:
        yield text("plan.db_empty", scripts=empty)
    autocommit = tuple(one.id for one in path if one.autocommit)
    if autocommit:
        yield text(AUTOCOMMIT, scripts=autocommit)
    if database.losses_why == OFFLINE:
        reads = tuple(one.id for one in path if one.reads)
        yield text("plan.db_losses_offline", scripts=reads or tuple(one.id for one in path))
    elif database.losses_why:
        yield text("plan.db_losses_unread", statement=database.losses_why)
    if clone == "never":
        yield text("plan.db_no_clone_wanted")
    elif clone != "made":
        # A server that hides its disk is not said to be full.
        known = database.server_free_bytes is not None
        yield text("plan.db_no_clone" if known else "plan.db_no_clone_unknown")
    if clone != "made":
        # With a clone they are refused; a migration in place neither moves nor ends them.
        tied = tuple(one.name for one in database.ties if one.what != "prepared")
        if tied:
            yield text("plan.db_tied", names=tied[:_SHOWN])


def of_both(database: DatabaseFacts, definition: Database) -> Iterator[Text]:
    """Of whoever uses the database now, and of the maintenance page."""
    if definition.maintenance is None:
        yield text("plan.db_no_maintenance")
    elif database.maintenance:
        yield text("plan.db_maintenance_on")
    long = tuple(s for s in database.sessions if (s.transaction_s or 0) >= LONG_S)
    for session in long[:_SHOWN]:
        yield text(
            "plan.db_long_transaction",
            who=session.application or session.user,
            pid=session.pid,
            seconds=round(session.transaction_s or 0),
        )
    strangers = _strangers(database, definition)
    if strangers:
        yield text("plan.db_sessions", who=strangers)


def of_fit(database: DatabaseFacts, version: str, after: tuple[str, ...]) -> Iterator[Text]:
    """Whether the version that starts afterwards was looked into at all."""
    fit = database.fit(version)
    if fit is None or fit.knows is None:
        yield text("plan.db_fit_unknown", version=version, revision=after)


def _strangers(database: DatabaseFacts, definition: Database) -> tuple[str, ...]:
    """Who else is connected and will be cut off: `psql anna ×2`; the dependants are stopped."""
    named = (s.application or s.user for s in database.sessions)
    counted = Counter(name for name in named if name not in definition.dependants)
    return tuple(f"{name} ×{n}" if n > 1 else name for name, n in counted.most_common(_SHOWN))
