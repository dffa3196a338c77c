"""The note beside a backup: what it is, and whether it was ever restored."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from commands.domain.database import BackupRecord
from commands.domain.errors import ConfigFileError
from workers.adapters import atomic_file, regular_file

SUFFIX = ".dump.zst"

MOST_BYTES = 16 * 1024 * 1024
"""A longer note is not ours: ten thousand tables take less than one of them."""

_PARTIAL = ".partial"
_STAMP = "%Y%m%dT%H%M%SZ"
_NAME = re.compile(
    r"(?P<database>.+)_(?P<stamp>\d{8}T\d{6}Z)_(?P<by>[A-Za-z0-9-]+)(?:_\d+)?" + re.escape(SUFFIX),
    re.ASCII,
)


def note_of(path: Path) -> Path:
    """Where the note of a backup is."""
    return path.with_name(f"{path.name}.json")


def partial_of(path: Path) -> Path:
    """What a backup is called until it is whole."""
    return path.with_name(f".{path.name}{_PARTIAL}")


def is_partial_of_ours(name: str) -> bool:
    """Whether a file is half a backup that we began; another's half file is not ours to take."""
    return name.startswith(".") and name.endswith(_PARTIAL) and is_ours(name[1 : -len(_PARTIAL)])


def is_taken(path: Path) -> bool:
    """Whether anything at all stands at the name of a backup, of its note or of its beginning."""
    return any(map(_is_there, (path, note_of(path), partial_of(path))))


def read(path: Path) -> BackupRecord | None:
    """The note of a backup; None when there is none that can be read: it is unproven then.

    Whatever stands there in its place (a pipe, a folder, a link) is no note.
    """
    try:
        with regular_file.opened(note_of(path)) as file:
            content = file.read(MOST_BYTES + 1)
    except OSError:
        return None
    if len(content) > MOST_BYTES:
        return None
    try:
        found = BackupRecord.model_validate_json(content)
    except ValidationError:
        return None
    # A note that was copied or renamed speaks of another file.
    return found if found.name == path.name else None


def write(path: Path, record: BackupRecord) -> None:
    """Atomically, over no link. Raises ConfigFileError, DiskFullError."""
    content = record.model_dump_json(indent=2).encode() + b"\n"
    atomic_file.replace_closed(note_of(path), content)


def discard(path: Path) -> None:
    """Take the note away, whole or half written. Safe to repeat."""
    # What is no file there is no note of ours; and a note without its backup is nothing.
    with suppress(ConfigFileError):
        atomic_file.discard(note_of(path))


def name_for(database: str, taken_at: datetime, by: str, again: int = 0) -> str:
    """`samokoder_20261123T024100Z_RB-17.dump.zst`; with `again` a name that was not taken (H10)."""
    said = re.sub(r"[^A-Za-z0-9-]", "-", by) or "hand"
    more = f"_{again + 1}" if again else ""
    return f"{database}_{taken_at.astimezone(UTC).strftime(_STAMP)}_{said}{more}{SUFFIX}"


def is_ours(name: str) -> bool:
    """Whether it is a name that `name_for` gives."""
    return taken_at(name) is not None


def made_by(name: str) -> str:
    """Who made a backup, as its name says; empty for one that is not ours."""
    found = _NAME.fullmatch(name)
    return found["by"] if found and is_ours(name) else ""


def taken_at(name: str) -> datetime | None:
    """When, as its name says; None for one that is not ours."""
    found = _NAME.fullmatch(name)
    try:
        return datetime.strptime(found["stamp"], _STAMP).replace(tzinfo=UTC) if found else None
    except ValueError:
        # The 99th of a month: somebody else's numbers.
        return None


def _is_there(path: Path) -> bool:
    try:
        path.lstat()
    except FileNotFoundError:
        return False
    except OSError:
        # Cannot be told, or cannot be (a name that is too long): not a name to give.
        return True
    return True
