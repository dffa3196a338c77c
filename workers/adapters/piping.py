"""Programs that large data goes through: one pipe to us, never the whole in memory."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import IO, Literal

from commands.domain.errors import CommandFailedError, CommandTimedOutError
from workers import marks
from workers.adapters.children import (
    TAIL_CHARACTERS,
    WINDOW_BYTES,
    die_with_parent,
    in_whole_lines,
    open_files,
)

CHUNK_BYTES = 1024 * 1024
"""Also the pipe's size where the kernel lets us (pipe(7): its limit for one is 1 MiB)."""

NICE = 10
"""They run beside production: it goes first (nice(2)); without a class of its own, I/O follows the
CPU's (ioprio_set(2))."""

_CANNOT_START = 127
_GRACE_S = 2.0
_LEFTOVERS_S = 4.0


@dataclass(slots=True)
class Piped:
    """A program at work; `pipe` is its standard output, or its standard input."""

    process: subprocess.Popen[bytes]
    pipe: IO[bytes]
    program: str
    timeout_s: float
    _redact: Callable[[str], str]
    _said: bytearray = field(default_factory=bytearray)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _listener: threading.Thread = field(init=False)
    _is_over: bool = False
    _is_late: bool = False

    def __post_init__(self) -> None:
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def finished(self) -> None:
        """Close the pipe and wait for its end.

        Raises CommandFailedError for a bad exit code, CommandTimedOutError when it was ended
        because it took too long.
        """
        # Broken: it has ended already, and its exit code says why.
        with suppress(BrokenPipeError):
            self.pipe.close()
        os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOWAIT)
        self._end()
        self.check()

    def check(self) -> None:
        """Raise what its end says, once it has ended: for who found the pipe broken."""
        if self._is_late:
            raise CommandTimedOutError(self.program, self.timeout_s, self.tail())
        if self.process.returncode:
            raise CommandFailedError(self.program, self.process.returncode, self.tail())

    def tail(self) -> str:
        """The end of what it wrote to its standard error, redacted."""
        return self._redact(in_whole_lines(self._said)).strip()[-TAIL_CHARACTERS:]

    def _listen(self) -> None:
        assert self.process.stderr is not None  # noqa: S101 -- a pipe, see `_start`
        with self.process.stderr as said:
            while chunk := os.read(said.fileno(), 64 * 1024):
                self._said = (self._said + chunk)[-WINDOW_BYTES:]

    def _too_late(self) -> None:
        self._is_late = self._signal(signal.SIGTERM)
        until = time.monotonic() + _GRACE_S
        while not self._is_over and time.monotonic() < until:
            time.sleep(0.02)
        self._signal(signal.SIGKILL)

    def _signal(self, sig: signal.Signals) -> bool:
        """To the group; False when the program was waited for, and its number may be another's."""
        with self._lock:
            if self._is_over:
                return False
            os.killpg(self.process.pid, sig)
            return True

    def _end(self) -> None:
        """End whatever of the group is left, and hear it out. Safe to repeat."""
        self._signal(signal.SIGKILL)
        with self._lock:
            self._is_over = True
            self.process.wait()
        # Its last words may still be in the pipe. Who left the group and holds the pipe open is
        # not waited for longer.
        self._listener.join(_GRACE_S)


@contextmanager
def piped(
    argv: tuple[str, ...],
    *,
    stream: Literal["stdin", "stdout"],
    timeout_s: float,
    env: Mapping[str, str],
    lease_fd: int | None = None,
    held: tuple[int, ...] = (),
    redact: Callable[[str], str] = str,
) -> Iterator[Piped]:
    """Run a program whose output we read, or whose input we write; leaving the block ends it.

    Who is through with the pipe calls `finished`. Raises CommandFailedError (exit code 127) when
    it cannot be started. With `lease_fd` it holds the lease and carries a mark (`workers.marks`).
    """
    mark = marks.for_program(lease_fd)
    marked = {marks.VARIABLE: mark} if mark else {}
    try:
        process = _start(argv, stream, {**env, **marked}, open_files(lease_fd, held))
    except OSError as error:
        raise CommandFailedError(argv[0], _CANNOT_START, str(error)) from error
    pipe = process.stdin if stream == "stdin" else process.stdout
    assert pipe is not None  # noqa: S101 -- see `_start`
    at_work = Piped(process, pipe, argv[0], timeout_s, redact)
    watchdog = threading.Timer(timeout_s, at_work._too_late)  # noqa: SLF001 -- our own
    watchdog.daemon = True
    try:
        watchdog.start()
        yield at_work
    finally:
        _left(at_work, watchdog)
        if mark and process.returncode != 0:
            marks.end_carriers(mark, _LEFTOVERS_S)


def _left(at_work: Piped, watchdog: threading.Timer) -> None:
    at_work._end()  # noqa: SLF001 -- our own
    watchdog.cancel()
    for stream in (at_work.process.stdin, at_work.process.stdout):
        # What was still to be written has no reader any more.
        with suppress(BrokenPipeError):
            if stream is not None:
                stream.close()


def _begin(parent_pid: int) -> None:
    die_with_parent(parent_pid)
    os.nice(NICE)


def _start(
    argv: tuple[str, ...],
    stream: Literal["stdin", "stdout"],
    env: Mapping[str, str],
    inherited: tuple[int, ...],
) -> subprocess.Popen[bytes]:
    parent_pid = os.getpid()
    process = subprocess.Popen(
        list(argv),
        env=dict(env),
        stdin=subprocess.PIPE if stream == "stdin" else subprocess.DEVNULL,
        stdout=subprocess.PIPE if stream == "stdout" else subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        bufsize=0,
        start_new_session=True,
        pass_fds=inherited,
        # System calls on a library loaded before the fork: nothing here can wait for a lock.
        preexec_fn=lambda: _begin(parent_pid),  # noqa: PLW1509
    )
    pipe = process.stdin or process.stdout
    if pipe is not None:
        # The user's share of pipe memory may be used up: 64 KiB will do.
        with suppress(PermissionError):
            fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, CHUNK_BYTES)
    return process
