"""Counts and the shape of a schema as short text: for the journal, and for machines after it.

One line for each table or kind, `|` behind a field, `,` between words, and never `=`, `:` or a
blank behind a name: what stands before those may look like the name of a secret to the redactor
(`z-pass`), and what comes next would be masked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import quote, unquote

from commands.database_ports import Shape
from commands.domain.plan import digest_of

SHAPE, NAMES = "shape", "names"
COLUMN, INVALID = "column", "invalid index"

LONGEST = 64_000
"""A schema with more to its name is remembered by its fingerprint alone."""

SHOWN = 12
"""So many objects are named; the rest is counted by whoever looks."""

_SAFE = "._-$"
# Three and nothing behind the last `|`; rollbacks that began earlier have no last one.
_FIELDS = (3, 4)


def packed(counts: Mapping[str, int]) -> str:
    """`3|users,-12|files`."""
    return ",".join(f"{n}|{quote(table, _SAFE)}" for table, n in sorted(counts.items()))


def unpacked(words: str) -> dict[str, int]:
    """The counts again; what cannot be read (masked, cut) is left out."""
    found: dict[str, int] = {}
    for word in filter(None, words.split(",")):
        n, _, table = word.partition("|")
        if n.lstrip("-").isdigit() and table:
            found[unquote(table)] = int(n)
    return found


def listed(words: Iterable[str]) -> str:
    """Any words, to be read by `unlisted`."""
    return ",".join(quote(word, _SAFE) for word in words)


def unlisted(words: str) -> tuple[str, ...]:
    """The words again."""
    return tuple(unquote(word) for word in words.split(",") if word)


def fingerprint(shape: Shape) -> str:
    """SHA-256 (hex) of everything that the schema consists of, by name."""
    return digest_of({kind: sorted(names) for kind, names in shape.names.items() if names})


def remembered(shape: Shape) -> dict[str, str]:
    """The shape for the journal: its fingerprint, and all names where they are not too many."""
    lines = [
        f"{kind}|{quote(parent, _SAFE)}|{listed(sorted(names))}|"
        for kind in sorted(shape.names)
        for parent, names in sorted(_by_parent(shape.names[kind]).items())
    ]
    whole = "\n".join(lines)
    return {SHAPE: fingerprint(shape), NAMES: whole if len(whole) <= LONGEST else ""}


def recalled(before: Mapping[str, str]) -> Shape | None:
    """The shape that was remembered; None when only its fingerprint was, or can be read."""
    names: dict[str, set[str]] = {}
    for line in before.get(NAMES, "").splitlines():
        fields = line.split("|")
        if len(fields) not in _FIELDS:
            return None
        kind, parent, children = fields[:3]
        head = f"{unquote(parent)}." if parent else ""
        names.setdefault(kind, set()).update(head + child for child in unlisted(children))
    found = Shape({kind: frozenset(of) for kind, of in names.items()})
    return found if fingerprint(found) == before.get(SHAPE) else None


def differences(before: Shape, now: Shape) -> tuple[str, ...]:
    """What is gone, new or half made, by name: `- column projects.description`, `+ index ix_a`.

    `~ table projects`: a column of it has another type, or may be null now, or may not.
    """
    gone = (f"- {one.what} {one.name}" for one in before.lost_in(now))
    new = (f"+ {one.what} {one.name}" for one in now.lost_in(before))
    broken = now.names.get(INVALID, frozenset()) - before.names.get(INVALID, frozenset())
    moved = {
        f"table {name.rpartition('.')[0]}"
        for name in before.names.get(COLUMN, frozenset()) ^ now.names.get(COLUMN, frozenset())
    }
    other = (f"~ {name}" for name in before.altered_in(now) if name not in moved)
    found = (*gone, *new, *other, *(f"! {INVALID} {name}" for name in sorted(broken)))
    return (*found[:SHOWN], "…") if len(found) > SHOWN else found


def _by_parent(names: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name in names:
        parent, _, child = name.rpartition(".")
        found.setdefault(parent, []).append(child)
    return found
