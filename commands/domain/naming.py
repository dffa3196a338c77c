"""Names on the database server and in labels that carry a rollback's number.

Every such name can be told from others and made again after a crash; nothing remembers it.
"""

from __future__ import annotations

import re

ROLLBACK = "{rollback}"
"""Stands in a planned command line where the rollback's id goes: `rollbot.rollback=RB-17`."""

_BESIDE = re.compile(r"_(scratch|restored)_[A-Za-z0-9_]+$")

LONGEST = 63
"""PostgreSQL cuts identifiers at 63 bytes (NAMEDATALEN - 1) without an error."""

KEPT_DUMP = "-kept"
"""How the maker of a dump is called that a rollback keeps of what it is about to destroy."""


def kept(database: str, rollback_id: str) -> str:
    """The database as it was before: `samokoder_before_RB_17`."""
    return _name(database, "before", rollback_id)


def kept_dump(rollback_id: str) -> str:
    """Who made such a dump: `samokoder_20261123T024100Z_RB-17-kept.dump.zst`."""
    return f"{rollback_id}{KEPT_DUMP}"


def left(database: str, rollback_id: str) -> str:
    """What an undo put aside: `samokoder_after_RB_17`."""
    return _name(database, "after", rollback_id)


def restored(database: str, rollback_id: str) -> str:
    """A backup restored beside production, not swapped in yet: `samokoder_restored_RB_17`."""
    return _name(database, "restored", rollback_id)


def scratch(database: str, rollback_id: str) -> str:
    """The copy that a backup is proven on and a migration rehearsed: `samokoder_scratch_RB_17`."""
    return _name(database, "scratch", rollback_id)


def is_scratch(database: str) -> bool:
    """Whether it is a copy that nothing but a proof or a rehearsal uses."""
    found = _BESIDE.search(database)
    return found is not None and found[1] == "scratch"


def is_beside(database: str) -> bool:
    """Whether it is a copy of ours that serves no user: scratch, or restored and not swapped in."""
    return _BESIDE.search(database) is not None


def application(rollback_id: str) -> str:
    """What sessions of ours call themselves: by it the next worker finds and ends them."""
    return f"rollbot {rollback_id}"


def filled(words: tuple[str, ...], rollback_id: str) -> tuple[str, ...]:
    """A planned command line with the rollback's id where it belongs."""
    return tuple(word.replace(ROLLBACK, rollback_id) for word in words)


def _name(database: str, what: str, rollback_id: str) -> str:
    suffix = f"_{what}_{rollback_id.replace('-', '_')}"
    room = LONGEST - len(suffix)
    # Bytes, not letters; a name cut in the middle of a letter would be no name.
    return database.encode()[:room].decode(errors="ignore") + suffix
