"""A file of lines on this host's disk that only ever grows; several processes may share it."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from commands.domain.errors import TamperedJournalError


@dataclass(slots=True)
class AppendOnlyFile:
    """One JSON object a line. `learn` is given every whole line, once, in the file's order.

    `kind` names the file in errors. `learn` may raise `TamperedJournalError`.
    """

    path: Path
    kind: str
    learn: Callable[[bytes], None]
    read_to: int = 0

    @contextmanager
    def locked(self) -> Iterator[int]:
        """The open file, everything in it learned, for one process at a time."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            self._catch_up(fd)
            yield fd
        finally:
            os.close(fd)

    def read_on(self) -> None:
        """Learn what came since, from whichever process."""
        with self.locked():
            pass

    def write(self, fd: int, lines: bytes) -> None:
        """Append whole lines to the locked file; they are on the disk, and learned, on return.

        Raises OSError, and then whoever opens the file next takes the half line off.
        """
        new = self.read_to == 0
        if os.write(fd, lines) < len(lines):
            raise OSError(errno.ENOSPC, "written in part", str(self.path))
        os.fsync(fd)
        if new:
            # The file's name has to survive a power loss as well.
            folder = os.open(self.path.parent, os.O_RDONLY)
            os.fsync(folder)
            os.close(folder)
        self._catch_up(fd)

    def _catch_up(self, fd: int) -> None:
        """Read what this or another process wrote since; a half line at the end was a crash."""
        size = os.fstat(fd).st_size
        if size < self.read_to:
            raise TamperedJournalError(self.kind, 0, f"{self.path} is shorter than it was")
        if size == self.read_to:
            return
        fresh = os.pread(fd, size - self.read_to, self.read_to)
        whole = fresh[: fresh.rfind(b"\n") + 1]
        for line in whole.splitlines():
            self.learn(line)
        self.read_to += len(whole)
        if len(whole) < len(fresh):
            # Never acted upon: the write that it belonged to had not returned.
            os.ftruncate(fd, self.read_to)
