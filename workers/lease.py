"""The lease of an environment: one host, one rollback's processes at a time, kept by the kernel.

The job process takes a `flock` and hands the open file to every program it starts. A lock of
this kind belongs to the *open file*, so it stays held until the last grandchild has ended,
whatever happened to the job process (flock(2)).
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from commands.domain.errors import LeaseHeldError

_LOOK_EVERY_S = 0.02


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
        """The locked file; its content names the last holder, for people."""
        return self.state_dir / f"{self.environment}.lease"

    @contextmanager
    def acquire(self, timeout_s: float, holder: str = "") -> Iterator[Held]:
        """Hold the lease; `holder` is written into the file.

        Raises `LeaseHeldError` when it is not free within `timeout_s`: somebody works, or a
        program that an earlier job process started has not ended yet.
        """
        self.state_dir.mkdir(parents=True, exist_ok=True)
        fd = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            self._lock(fd, timeout_s)
            os.set_inheritable(fd, True)  # noqa: FBT003 -- os takes it by position only
            os.ftruncate(fd, 0)
            os.pwrite(fd, f"{os.getpid()} {holder}\n".encode(), 0)
            yield Held(fd)
        finally:
            # Closing, not unlocking: LOCK_UN would take the lease from our children too.
            os.close(fd)

    def _lock(self, fd: int, timeout_s: float) -> None:
        until = time.monotonic() + timeout_s
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                if time.monotonic() >= until:
                    holder = os.pread(fd, 200, 0).decode(errors="replace").strip()
                    raise LeaseHeldError(environment=self.environment, holder=holder) from error
                time.sleep(_LOOK_EVERY_S)
            else:
                return
