"""Ties a process's life to the process that started it (Linux `prctl(2)`)."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def die_with(owner_pid: int, sent: signal.Signals = signal.SIGKILL) -> None:
    """Have the kernel send this process `sent` when its parent's starting thread ends.

    Must be called by the child itself, after the fork: forking clears the setting, `execve` keeps
    it (prctl(2), PR_SET_PDEATHSIG). A parent that is already gone ends the process here and now.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, int(sent), 0, 0, 0) != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    if os.getppid() != owner_pid:
        sys.exit(1)
