"""The folder of backups."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from commands.domain.database import BackupRecord
from commands.domain.errors import BackupInvalidError
from commands.ports import Clock
from workers.adapters import notes

# Ours, and what the customer's own scripts left: `samokoder_20261123_024100.sql.gz`.
_ENDINGS = (notes.SUFFIX, ".dump", ".dump.gz", ".sql.gz", ".sql", ".sql.zst")


@dataclass(frozen=True, slots=True)
class BackupFolder:
    """`Backups` in a folder of this host. Notes stand beside the files, as `<name>.json`."""

    folder: Path
    clock: Clock

    def listed(self, database: str) -> tuple[BackupRecord, ...]:
        """Every backup of a database, newest first; files without a note are listed unproven.

        Raises BackupInvalidError (`unreadable_folder`).
        """
        found = (self._record(path, database) for path in self._files())
        mine = [one for one in found if one is not None and one.database == database]
        return tuple(sorted(mine, key=lambda one: (one.taken_at, one.name), reverse=True))

    def path(self, name: str) -> str:
        """The file's path. Raises BackupInvalidError when it is not there."""
        # A name and no path: nothing outside the folder is ever read for a backup.
        path = self.folder / name
        if Path(name).name != name or name.startswith(".") or not _is_file(path):
            raise BackupInvalidError(name, "missing")
        return str(path)

    def new_path(self, database: str, by: str) -> str:
        """The path for a new one; a name that is taken is never used again (H10)."""
        for again in range(1000):
            path = self.folder / notes.name_for(database, self.clock.now(), by, again)
            if not notes.is_taken(path):
                return str(path)
        raise BackupInvalidError(database, "unwritable", str(self.folder))

    def note(self, record: BackupRecord) -> None:
        """Write the note beside the file, atomically. Raises BackupInvalidError without a file."""
        notes.write(Path(self.path(record.name)), record)

    def free_bytes(self) -> int | None:
        """Room in the folder; None when it is not there."""
        try:
            return shutil.disk_usage(self.folder).free
        except OSError:
            return None

    def prune(
        self, database: str, keep_days: int, keep_at_least: int, needed: Sequence[str]
    ) -> tuple[str, ...]:
        """Delete what is older and not needed; returns the names. Safe to repeat.

        Only what we made, and named, is ours to delete: a customer's own file that was proven has a
        note too, but no checksum in it. Kept whatever its age: the newest `keep_at_least` proven
        ones, and what a rollback kept of what it destroyed. Raises BackupInvalidError
        (`unwritable`).
        """
        named = [one for one in self.listed(database) if notes.is_ours(one.name)]
        ours = [one for one in named if one.sha256 and not one.is_kept]
        proven = [one.name for one in ours if one.proven_at]
        kept = {*needed, *proven[: max(1, keep_at_least)]}
        before = self.clock.now() - timedelta(days=keep_days)
        old = [one for one in ours if one.name not in kept and one.taken_at < before]
        return tuple(self._let_go(record.name) for record in old)

    def _let_go(self, name: str) -> str:
        path = self.folder / name
        try:
            # The file first: a note without a file is nothing, a file without one is a stranger's.
            path.unlink(missing_ok=True)
        except OSError as error:
            why = error.strerror or str(error)
            raise BackupInvalidError(str(self.folder), "unwritable", why) from error
        notes.discard(path)
        return name

    def _files(self) -> Iterator[Path]:
        try:
            paths = sorted(self.folder.iterdir())
        except FileNotFoundError:
            return
        except OSError as error:
            why = error.strerror or str(error)
            raise BackupInvalidError(str(self.folder), "unreadable_folder", why) from error
        for path in paths:
            # A name that cannot be shown cannot be approved; what is no file is read by nobody.
            is_named = path.name.isprintable() and path.name.endswith(_ENDINGS)
            if is_named and not path.name.startswith(".") and _is_file(path):
                yield path

    def _record(self, path: Path, database: str) -> BackupRecord | None:
        """What its note says, else what the file shows; None: another's, or deleted meanwhile."""
        noted = notes.read(path)
        if noted is not None:
            return noted
        if not re.fullmatch(re.escape(database) + r"[_.-]?(\d.*)?", path.name.partition(".")[0]):
            return None
        try:
            about = path.stat()
        except OSError:
            return None
        return BackupRecord(
            name=path.name,
            database=database,
            taken_at=notes.taken_at(path.name) or _changed_at(about),
            size_bytes=about.st_size,
            by=notes.made_by(path.name),
        )


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        # A link into a closed folder, a name that is too long: nothing that we could read.
        return False


def _changed_at(about: os.stat_result) -> datetime:
    try:
        return datetime.fromtimestamp(about.st_mtime, UTC)
    except (ValueError, OverflowError, OSError):
        # A year that no calendar has: not known, and so never the newest.
        return datetime.fromtimestamp(0, UTC)
