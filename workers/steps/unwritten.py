"""A copy that holds everything: nobody wrote while it was made, or since.

Nothing shuts a database to everybody but us in a way that a crash could not leave shut. So whoever
is on it is ended, the server's counters of writes are compared, and a copy that has not everything
is made again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from commands.domain.database import Session
from commands.domain.errors import CheckFailedError
from commands.domain.plan import digest_of
from commands.domain.text import Text, text
from workers.steps.drain_sessions import words
from workers.steps.packed import SHOWN, listed, unlisted
from workers.steps.ports import Ports

T = TypeVar("T")

WRITES, TABLES = "writes", "writes_of"
AGAIN = "_again"
"""Ends the key of what is said of a copy that had to be made again: the card shows it."""

NOBODY = ("—",)
"""Who wrote has left before anybody looked."""

TRIES = 3
LONGEST = 16_000
"""A longer list of tables is left out of the journal: then who wrote is told without where."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A look at what was written, when nobody was there any more; `ended` were until then."""

    writes: Mapping[str, str]
    ended: tuple[Session, ...] = ()

    @classmethod
    def at(cls, ports: Ports, database: str) -> Seen:
        """Raises DatabaseError when somebody comes back faster than they are ended."""
        ended = ports.production.drain(database, 0.0)
        return cls(ports.production.writes(database), ended)

    def to_journal(self) -> dict[str, str]:
        """Its digest decides; the tables are for people, and may be masked or left out."""
        lines = listed(f"{word}|{table}" for table, word in sorted(self.writes.items()))
        return {
            WRITES: digest_of(dict(self.writes)),
            TABLES: lines if len(lines) <= LONGEST else "",
        }

    def written_since(self, journal: Mapping[str, object]) -> tuple[str, ...]:
        """The tables that were written to since then; one without a name where that is not known.

        A journal that says nothing of it (people marked the copy as done) is believed.
        """
        then = journal.get(WRITES)
        if not then or then == digest_of(dict(self.writes)):
            return ()
        pairs = (line.partition("|") for line in unlisted(str(journal.get(TABLES) or "")))
        return changed({table: word for word, _, table in pairs if table}, self.writes) or ("…",)


@dataclass(frozen=True, slots=True)
class Copied(Generic[T]):
    """What was made, as of when, and what was written while earlier ones were: by whom."""

    made: T
    seen: Seen
    tables: tuple[str, ...] = ()
    who: tuple[str, ...] = ()


@dataclass(slots=True)
class _Writers:
    tables: dict[str, None] = field(default_factory=dict)
    who: dict[str, None] = field(default_factory=dict)


def copied(ports: Ports, database: str, copy: Callable[[], T]) -> Copied[T]:
    """Copy, and again as long as somebody wrote meanwhile.

    Raises CheckFailedError (`check.written_meanwhile`) after so many tries: people must stop them.
    """
    before, found = Seen.at(ports, database), _Writers()
    for _ in range(TRIES):
        made = copy()
        after = Seen.at(ports, database)
        tables = changed(before.writes, after.writes)
        if not tables:
            return Copied(made, after, tuple(found.tables), tuple(found.who) or NOBODY)
        found.tables |= dict.fromkeys(tables)
        found.who |= dict.fromkeys(words(session) for session in after.ended)
        before = after
    raise written_meanwhile(database, tuple(found.tables), tuple(found.who))


def told_of_writers(said: Text, done: Copied[T]) -> Text:
    """What a copy says for itself, with whoever made it necessary to make it again."""
    if not done.tables:
        return said
    params = {**said.params, "tables": done.tables, "who": done.who}
    return text(f"{said.key}{AGAIN}", **params)


def written_meanwhile(
    database: str, tables: tuple[str, ...], who: tuple[str, ...]
) -> CheckFailedError:
    """Somebody does not stop; who never stayed long enough to be seen has no name."""
    return CheckFailedError(
        "check.written_meanwhile", database=database, tables=tables, who=who or NOBODY
    )


def changed(before: Mapping[str, str], now: Mapping[str, str]) -> tuple[str, ...]:
    """The tables whose word is another one, or that are new or gone."""
    names = sorted(t for t in {*before, *now} if before.get(t) != now.get(t))
    return (*names[:SHOWN], "…") if len(names) > SHOWN else tuple(names)
