"""A large file that is whole or not there at all."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from commands.domain.errors import BackupInvalidError, DiskFullError
from workers.adapters import notes, regular_file

if TYPE_CHECKING:
    from hashlib import _Hash


@dataclass(slots=True)
class PartialFile:
    """A new file under a temporary name, closed to others; its bytes go through SHA-256."""

    path: Path
    descriptor: int
    size: int = 0
    _digest: _Hash = field(default_factory=sha256)

    @property
    def sha256(self) -> str:
        """Of what was written so far, in hex."""
        return self._digest.hexdigest()

    def write(self, content: bytes) -> int:
        """All of it; a file is what zstandard's stream writer wants."""
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(self.descriptor, rest) :]
        self._digest.update(content)
        self.size += len(content)
        return len(content)

    def keep(self) -> None:
        """Give it its name, durably. Nothing before this is ever taken for the file."""
        os.fsync(self.descriptor)
        notes.partial_of(self.path).rename(self.path)
        folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


@contextmanager
def partial_file(path: Path) -> Iterator[PartialFile]:
    """Write a new file; who is through calls `keep`, and what was not kept is removed.

    What a killed process left in the folder is removed too: nobody holds its lock. Raises
    DiskFullError, BackupInvalidError (`unwritable`).
    """
    with _translated(path):
        _sweep(path.parent)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        descriptor = os.open(notes.partial_of(path), flags, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield PartialFile(path, descriptor)
        finally:
            notes.partial_of(path).unlink(missing_ok=True)
            os.close(descriptor)


def _sweep(folder: Path) -> None:
    for left in folder.glob(".*"):
        if not notes.is_partial_of_ours(left.name):
            continue
        # Being written (its lock is held), gone meanwhile, or no file at all: it stays.
        with suppress(OSError), regular_file.opened(left) as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            left.unlink()


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFullError(path=str(path.parent)) from error
        why = error.strerror or str(error)
        raise BackupInvalidError(path.name, "unwritable", why) from error
