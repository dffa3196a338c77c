"""The lease of an environment: one host, one rollback's processes at a time, kept by the kernel.

The job process takes a `flock` and hands the open file to every program it starts. A lock of
this kind belongs to the *open file*, so it stays held until the last grandchild has ended,
whatever happened to the job process (flock(2)). Programs that closed it are known by their mark
(`workers.marks`): the next holder ends them before it does anything.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

from commands.domain.errors import LeaseHeldError
from workers import marks

STOPPED_FOR_S = 1.0
"""A debugger that only attaches stops a process for a moment."""

_STOPPED = ("T", "t")
_LOOK_EVERY_S = 0.02
_ENDING_S = 5.0
"""How long the ending of leftovers may take at least, however long the lease was waited for."""


@dataclass(frozen=True, slots=True)
class Held:
    """A lease that is ours. Give `fd` to every child that may change something."""

    fd: int


@dataclass(frozen=True, slots=True)
class Lease:
    """The lease of one environment on this host."""

    state_dir: Path
    environment: str

    @property
    def path(self) -> Path:
        """The locked file: the last holder, for people; then its mark, unless it ended in order."""
        return self.state_dir / f"{self.environment}.lease"

    @contextmanager
    def acquire(self, timeout_s: float, holder: str = "") -> Iterator[Held]:
        """Hold the lease; `holder` is written into the file.

        What an earlier holder was killed over is ended first, if it gave up the lease. Raises
        `LeaseHeldError` when it is not free within `timeout_s`: somebody works, or a program that
        an earlier job process started has not ended yet.
        """
        until = time.monotonic() + timeout_s
        self.state_dir.mkdir(parents=True, exist_ok=True)
        fd = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            self._lock(fd, until)
            self._end_leftovers(fd, max(_ENDING_S, until - time.monotonic()))
            os.set_inheritable(fd, True)  # noqa: FBT003 -- os takes it by position only
            mark = f"{self.environment}/{holder}/{token_hex(8)}"
            self._write(fd, holder, mark)
            try:
                yield Held(fd)
            finally:
                # Every program was waited for: what one of them left running, it left on purpose.
                self._write(fd, holder, "")
        finally:
            # Closing, not unlocking: LOCK_UN would take the lease from our children too.
            os.close(fd)

    def holder_pid(self) -> int:
        """The job process that holds the lease; 0 when nobody does, or it ended in order."""
        try:
            said, _, mark = self.path.read_text().partition("\n")
        except FileNotFoundError:
            return 0
        return int(said.split()[0]) if mark.strip() else 0

    def _end_leftovers(self, fd: int, within_s: float) -> None:
        """Before our own name is in the file: if we are killed too, the next one finds the mark."""
        if (mark := marks.told_by(fd)) and (left := marks.end_carriers(mark, within_s)):
            holder = f"{', '.join(map(str, left))} {mark}"
            raise LeaseHeldError(environment=self.environment, holder=holder)

    def _write(self, fd: int, holder: str, mark: str) -> None:
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"{os.getpid()} {holder}\n{mark}".encode(), 0)

    def _lock(self, fd: int, until: float) -> None:
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                if time.monotonic() >= until:
                    said = os.pread(fd, 200, 0).decode(errors="replace")
                    holder = said.partition("\n")[0].strip()
                    raise LeaseHeldError(environment=self.environment, holder=holder) from error
                time.sleep(_LOOK_EVERY_S)
            else:
                return


@dataclass(slots=True)
class Standstill:
    """Notices that the holder of a lease was stopped (SIGSTOP), or is held by a debugger.

    To everybody else it looks like one at work, and its lease keeps others from taking over.
    """

    lease: Lease
    _since: float | None = None

    def __call__(self) -> int:
        """The holder's pid once it stands still for a second; 0 when it runs, or there is none."""
        pid = self.lease.holder_pid()
        if _state(pid) not in _STOPPED:
            self._since = None
            return 0
        now = time.monotonic()
        self._since = self._since or now
        return pid if now - self._since >= STOPPED_FOR_S else 0


def _state(pid: int) -> str:
    """One letter, see proc(5); empty when there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""
