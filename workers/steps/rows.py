"""Whether there are as many rows as before: what a schema that looks the same does not tell."""

from __future__ import annotations

from collections.abc import Mapping

from commands.database_ports import Database
from commands.domain.errors import EngineError
from workers.steps.packed import SHOWN, packed, unpacked

COUNTS = "counts"
COUNTING_S = 20.0
"""Users wait meanwhile: a count that takes longer is left out, and whoever needs it is told."""


def counted(server: Database, database: str) -> dict[str, str]:
    """For the journal: the rows of every table; nothing where that takes too long."""
    try:
        return {COUNTS: packed(server.counts(database, COUNTING_S))}
    except EngineError:
        return {}


def moved(server: Database, database: str, before: Mapping[str, str]) -> tuple[str, ...] | None:
    """The tables with more or fewer rows than were counted before: `files 300 → 0`.

    None: they were not counted then, or cannot be now. As many rows need not be the same rows.
    """
    now = counted(server, database)
    if not before.get(COUNTS) or not now:
        return None
    earlier, found = unpacked(before[COUNTS]), unpacked(now[COUNTS])
    words = tuple(
        f"{table} {earlier.get(table, 0)} → {found.get(table, 0)}"
        for table in sorted({*earlier, *found})
        if earlier.get(table) != found.get(table)
    )
    return (*words[:SHOWN], "…") if len(words) > SHOWN else words
