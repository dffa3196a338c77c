"""The note beside a backup: what it is, and whether it was ever restored."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from commands.domain.database import BackupRecord
from workers.adapters import atomic_file

SUFFIX = ".dump.zst"

_STAMP = "%Y%m%dT%H%M%SZ"
_NAME = re.compile(
    r"(?P<database>.+)_(?P<stamp>\d{8}T\d{6}Z)_(?P<by>[A-Za-z0-9-]+)(?:_\d+)?" + re.escape(SUFFIX)
)


def note_of(path: Path) -> Path:
    """Where the note of a backup is."""
    return path.with_name(f"{path.name}.json")


def read(path: Path) -> BackupRecord | None:
    """The note of a backup; None when there is none that can be read: it is unproven then."""
    content = atomic_file.read_bytes(note_of(path))
    if content is None:
        return None
    try:
        found = BackupRecord.model_validate_json(content)
    except ValidationError:
        return None
    # A note that was copied or renamed speaks of another file.
    return found if found.name == path.name else None


def write(path: Path, record: BackupRecord) -> None:
    """Atomically. Raises ConfigFileError, DiskFullError."""
    atomic_file.replace(note_of(path), record.model_dump_json(indent=2).encode() + b"\n")


def discard(path: Path) -> None:
    """Take the note away, whole or half written. Safe to repeat."""
    atomic_file.discard(note_of(path))


def name_for(database: str, taken_at: datetime, by: str, again: int = 0) -> str:
    """`samokoder_20261123T024100Z_RB-17.dump.zst`; with `again` a name that was not taken (H10)."""
    said = re.sub(r"[^A-Za-z0-9-]", "-", by) or "hand"
    more = f"_{again + 1}" if again else ""
    return f"{database}_{taken_at.astimezone(UTC).strftime(_STAMP)}_{said}{more}{SUFFIX}"


def made_by(name: str) -> str:
    """Who made a backup, as its name says; empty for one that is not ours."""
    found = _NAME.fullmatch(name)
    return found["by"] if found else ""


def taken_at(name: str) -> datetime | None:
    """When, as its name says; None for one that is not ours."""
    found = _NAME.fullmatch(name)
    return datetime.strptime(found["stamp"], _STAMP).replace(tzinfo=UTC) if found else None
