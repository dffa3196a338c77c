"""The mark that a job's programs carry, and the end of those that outlived it.

The lease goes down to grandchildren as an open file, and a program may close what it inherited:
Python's `subprocess` does by default. What it passes on nevertheless is its environment, which
the kernel shows to the same user (`/proc/<pid>/environ`, proc(5)). A program that runs as
another user (sudo), or throws its environment away, is out of reach of both.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from secrets import token_hex

VARIABLE = "ROLLBOT_JOB"
GRACE_S = 2.0
"""Between SIGTERM and SIGKILL."""

_PROC = Path("/proc")
_FILE_BYTES = 512
_LOOK_EVERY_S = 0.05
# A process may fork between our looking at its number and at its child's.
_EMPTY_LOOKS = 2


def told_by(lease_fd: int) -> str:
    """The mark of the holder that is written in a lease's file; empty when it ended in order."""
    _, _, mark = os.pread(lease_fd, _FILE_BYTES, 0).decode(errors="replace").partition("\n")
    return mark.strip()


def for_program(lease_fd: int | None) -> str:
    """A mark for one program of the job that holds this lease, to end it apart from the others.

    Empty without a lease.
    """
    mark = "" if lease_fd is None else told_by(lease_fd)
    return f"{mark}.{token_hex(4)}" if mark else ""


def carriers(mark: str) -> tuple[int, ...]:
    """The processes of this host that carry a mark, or one made from it (`<mark>.<anything>`)."""
    return tuple(pid for pid in _pids() if _carries(pid, mark))


def end_carriers(mark: str, within_s: float) -> tuple[int, ...]:
    """SIGTERM, two seconds later SIGKILL, until nobody carries the mark. Safe to repeat.

    Returns the processes that still do after `within_s`.
    """
    began, told, empty = time.monotonic(), set[int](), 0
    while empty < _EMPTY_LOOKS:
        found = carriers(mark)
        empty = 0 if found else empty + 1
        age_s = time.monotonic() - began
        if found and age_s > within_s:
            return found
        for pid in found:
            if age_s > GRACE_S:
                _send(pid, mark, signal.SIGKILL)
            elif pid not in told:
                _send(pid, mark, signal.SIGTERM)
        told.update(found)
        if found:
            time.sleep(_LOOK_EVERY_S)
    return ()


def _pids() -> Iterator[int]:
    own = os.getpid()
    for entry in _PROC.iterdir():
        if entry.name.isdecimal() and int(entry.name) != own:
            yield int(entry.name)


def _carries(pid: int, mark: str) -> bool:
    try:
        variables = (_PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:
        # It has ended, or is another user's: not one of ours that we could end.
        return False
    wanted = f"{VARIABLE}={mark}".encode()
    return any(one == wanted or one.startswith(wanted + b".") for one in variables)


def _send(pid: int, mark: str, sig: signal.Signals) -> None:
    """To the process that carries the mark, not to a later one of the same number."""
    with suppress(ProcessLookupError):
        try:
            handle = os.pidfd_open(pid)
        except ProcessLookupError:
            return
        except OSError:
            # A kernel before 5.3, or a container profile that does not know the call.
            os.kill(pid, sig)
            return
        try:
            if _carries(pid, mark):
                signal.pidfd_send_signal(handle, sig)
        finally:
            os.close(handle)
