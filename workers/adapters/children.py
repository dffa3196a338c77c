"""Programs as children: no shell, a clean environment, an end in time, nothing left behind.

A child dies with its parent (PR_SET_PDEATHSIG, prctl(2)); fork clears that for grandchildren,
which is what the inherited lease is for (`workers.lease`), and the mark (`workers.marks`).
"""

from __future__ import annotations

import ctypes
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from commands.domain.errors import CommandFailedError, CommandTimedOutError
from workers import marks

TAIL_CHARACTERS = 1024
STDOUT_LIMIT_BYTES = 8 * 1024 * 1024

_PR_SET_PDEATHSIG = 1
WINDOW_BYTES = 8 * 1024
"""Of what was written, so much is kept for a tail."""
_GRACE_S = 2.0
_LEFTOVERS_S = 4.0
_DRAIN_S = 0.3
_CANNOT_START = 127

_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent(parent_pid: int) -> None:
    """Have the kernel kill this process when its parent ends; call it right after a fork.

    The parent may have ended before the call, so its pid is compared afterwards.
    """
    if _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent_pid:
        os._exit(1)


@dataclass(frozen=True, slots=True)
class Completed:
    """A program that ended. `stdout` whole (up to 8 MiB, not redacted: for parsing, not showing).

    `tail`: last <= 1,024 characters of both its outputs, redacted.
    """

    exit_code: int
    stdout: bytes = field(repr=False)
    tail: str
    seconds: float


def run(  # noqa: PLR0913 -- each is a fact about a process, and all but two have defaults
    argv: Sequence[str],
    *,
    timeout_s: float,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    lease_fd: int | None = None,
    held: tuple[int, ...] = (),
    redact: Callable[[str], str] = str,
    on_output: Callable[[str], None] | None = None,
    check: bool = True,
) -> Completed:
    """Run a program to its end in a session of its own, with exactly the environment given.

    `on_output` gets the redacted tail when something new was written. Raises
    `CommandFailedError` for a bad exit code (unless `check` is off) or when it cannot be started
    (exit code 127), `CommandTimedOutError` over `timeout_s`; then, and when anything else
    interrupts the wait, the whole process group has been ended (SIGTERM, two seconds, SIGKILL).

    With `lease_fd` the program holds the lease and carries a mark; when it is ended, then with
    everything that carries it, whatever group or session that has gone to. `held`: more open files.
    """
    began = time.monotonic()
    mark = marks.for_program(lease_fd)
    marked = {marks.VARIABLE: mark} if mark else {}
    try:
        process = _start(argv, cwd, {**(env or {}), **marked}, open_files(lease_fd, held))
    except OSError as error:
        raise CommandFailedError(argv[0], _CANNOT_START, str(error)) from error
    output, ended = _Output(redact, on_output), False
    try:
        ended = output.read_until(process, began + timeout_s)
        if not ended:
            _end(process, output)
            raise CommandTimedOutError(argv[0], timeout_s, output.tail())
    finally:
        _end_group(process)
        if mark and not ended:
            marks.end_carriers(mark, _LEFTOVERS_S)
        output.close(process)
    code = process.returncode
    if check and code != 0:
        raise CommandFailedError(argv[0], code, output.tail())
    return Completed(code, bytes(output.stdout), output.tail(), time.monotonic() - began)


def _start(
    argv: Sequence[str], cwd: Path | None, env: dict[str, str], inherited: tuple[int, ...]
) -> subprocess.Popen[bytes]:
    parent_pid = os.getpid()
    return subprocess.Popen(
        list(argv),
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        pass_fds=inherited,
        # Two system calls on a library loaded before the fork: nothing here can wait for a lock.
        preexec_fn=lambda: die_with_parent(parent_pid),  # noqa: PLW1509 -- see above
    )


def open_files(lease_fd: int | None, held: tuple[int, ...]) -> tuple[int, ...]:
    """What a program gets beside its pipes."""
    return held if lease_fd is None else (lease_fd, *held)


def _end(process: subprocess.Popen[bytes], output: _Output) -> None:
    """Ask the group to end, and wait a little while it still may say something."""
    _signal_group(process, signal.SIGTERM)
    output.read_until(process, time.monotonic() + _GRACE_S)


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """End whatever of the group is left, the leader included."""
    _signal_group(process, signal.SIGKILL)
    process.wait()


def _signal_group(process: subprocess.Popen[bytes], sig: signal.Signals) -> None:
    try:
        # The group keeps the leader's pid for as long as anybody is in it.
        os.killpg(process.pid, sig)
    except ProcessLookupError:
        return


def in_whole_lines(window: bytes | bytearray) -> str:
    """The end of an output, without the line that it begins in the middle of, if others follow.

    Of half a line nobody can tell what it quotes: the name of a secret, the head of a row is gone.
    """
    _, end, rest = window.partition(b"\n")
    is_cut = len(window) >= WINDOW_BYTES and end and rest.strip()
    return (rest if is_cut else window).decode(errors="replace")


class _Output:
    """What a child wrote: its standard output whole, and the end of both streams."""

    def __init__(
        self, redact: Callable[[str], str], on_output: Callable[[str], None] | None
    ) -> None:
        self.stdout = bytearray()
        self._window = bytearray()
        self._redact, self._on_output = redact, on_output

    def tail(self) -> str:
        # Redacted before it is cut, or the cut could leave half a secret that no pattern knows.
        return self._redact(in_whole_lines(self._window)).strip()[-TAIL_CHARACTERS:]

    def read_until(self, process: subprocess.Popen[bytes], deadline: float) -> bool:
        """Read until the child has ended; False when it has not by the deadline."""
        assert process.stdout is not None  # noqa: S101 -- both are pipes, see `_start`
        assert process.stderr is not None  # noqa: S101 -- the same
        with selectors.DefaultSelector() as pipes:
            for pipe in (process.stdout, process.stderr):
                if not pipe.closed:
                    pipes.register(pipe, selectors.EVENT_READ)
            while process.poll() is None:
                if time.monotonic() >= deadline:
                    return False
                self._take(pipes, process, min(0.05, deadline - time.monotonic()))
            # A grandchild may hold the pipes open; what the child itself wrote is there by now.
            until = time.monotonic() + _DRAIN_S
            while pipes.get_map() and time.monotonic() < until:
                if not self._take(pipes, process, 0):
                    break
        return True

    def close(self, process: subprocess.Popen[bytes]) -> None:
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()

    def _take(
        self, pipes: selectors.BaseSelector, process: subprocess.Popen[bytes], wait_s: float
    ) -> bool:
        if not pipes.get_map():
            # Both outputs were closed; all there is to wait for is the end.
            time.sleep(max(0.0, min(0.01, wait_s)))
            return False
        ready = pipes.select(max(0.0, wait_s))
        for key, _ in ready:
            chunk = os.read(key.fd, 64 * 1024)
            if not chunk:
                pipes.unregister(key.fileobj)
                continue
            if key.fileobj is process.stdout:
                self.stdout += chunk[: STDOUT_LIMIT_BYTES - len(self.stdout)]
            self._window = (self._window + chunk)[-WINDOW_BYTES:]
            if self._on_output is not None:
                self._on_output(self.tail())
        return bool(ready)
