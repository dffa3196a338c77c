"""What a look at a database server, or at the proxy, finds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from commands.domain.database import Loss

Counts: TypeAlias = Mapping[str, int]
"""Exact rows per table, `public.` left off: `{"users": 3, "billing.invoices": 9}`."""

ALTERED = (("table", "columns of"), ("type", "values of"))


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """A server and its client tools. Versions as `server_version_num` (150014); None: no tools.

    `free_bytes` of the disk that holds the data; None when it cannot be told.
    """

    version: int
    client_version: int | None
    free_bytes: int | None


@dataclass(frozen=True, slots=True)
class Shape:
    """What a schema consists of, by name: `{"column": {"projects.description", …}, …}`.

    Kinds: table, column, index, type, constraint, sequence, view; and `invalid index`, which is
    no loss, but tells that something stopped half-way. `columns of` a table and `values of` an
    enum end in a fingerprint of what they are: `projects.1f09c3aa`.
    """

    names: Mapping[str, frozenset[str]]

    def lost_in(self, after: Shape) -> tuple[Loss, ...]:
        """What is here and not there; a dropped table's own parts are not listed again."""
        tables = self.names.get("table", frozenset()) - after.names.get("table", frozenset())
        return tuple(
            Loss.model_validate({"what": kind, "name": name})
            for kind in ("table", "column", "type", "view", "sequence", "constraint", "index")
            for name in sorted(
                self.names.get(kind, frozenset()) - after.names.get(kind, frozenset())
            )
            if kind == "table" or name.rsplit(".", 1)[0] not in tables
        )

    def altered_in(self, after: Shape) -> tuple[str, ...]:
        """What has the same name here and there, and other types or values: `table projects`."""
        found: list[str] = []
        for what, kind in ALTERED:
            now, then = after.names.get(kind, frozenset()), self.names.get(kind, frozenset())
            both = _parents(then - now) & _parents(now - then)
            found += (f"{what} {name}" for name in sorted(both))
        return tuple(found)


def _parents(names: frozenset[str]) -> set[str]:
    return {name.rpartition(".")[0] for name in names}


NOT_VALID = "NOT VALID"
"""How `found` begins for a foreign key that never promised anything of the rows it has."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that an integrity check looked at. `ok` None: could not be told.

    Nor can it of a foreign key that is NOT VALID and has orphans: somebody let them be.
    """

    check: str
    subject: str
    ok: bool | None
    found: str = ""


@dataclass(frozen=True, slots=True)
class Watched:
    """What was seen from outside while something ran: who waited for whom, how long.

    `blocked_s`: the longest that any other session waited behind ours; `waited_s`: ours behind
    others; `holders`: who held the lock that ours wanted, in words (`psql pid 71, 12 s`).
    `held_s`: the longest that ours held a lock which keeps readers out.
    """

    blocked_s: float = 0.0
    waited_s: float = 0.0
    held_s: float = 0.0
    holders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ProxySeen:
    """What users get. `page`: 503 with Retry-After and our mark; `status` 0: no answer."""

    status: int
    page: bool
    health_status: int
