from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from commands.domain.errors import CommandFailedError, CommandTimedOutError
from tests.engines.waiting import eventually
from tests.integration.worker_host import is_running
from workers.adapters.children import TAIL_CHARACTERS, run
from workers.lease import Lease
from workers.stopping import StepInterrupted


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def shell(line: str) -> list[str]:
    return ["/bin/sh", "-c", line]


def ended(pid: int, within_s: float = 30) -> bool:
    """Whether a process is gone, waiting for it."""
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.01)
    return False


def test_output_and_exit_code_come_back() -> None:
    """Standard output whole, the tail of both streams, and how long it took."""
    done = run(shell("echo out; echo err >&2"), timeout_s=60)

    assert (done.exit_code, done.stdout) == (0, b"out\n")
    assert set(done.tail.splitlines()) == {"out", "err"}
    assert 0 < done.seconds < 60


def test_the_environment_is_only_what_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stale variable of the worker's own never reaches a program."""
    monkeypatch.setenv("APP_VERSION", "stale")

    done = run(["/usr/bin/env"], timeout_s=60, env={"LANG": "C"})

    assert done.stdout == b"LANG=C\n"


def test_nothing_is_read_by_a_shell(tmp_path: Path) -> None:
    """Metacharacters are plain characters."""
    done = run(["/bin/echo", "$(touch x); `touch y`"], timeout_s=60, cwd=tmp_path)

    assert done.stdout == b"$(touch x); `touch y`\n"
    assert list(tmp_path.iterdir()) == []


def test_a_bad_exit_code_is_an_error_with_its_tail() -> None:
    """The error carries program, code and the redacted tail; without `check` there is none."""
    argv = shell("echo password=hunter2 went wrong; exit 3")

    with pytest.raises(CommandFailedError) as caught:
        run(argv, timeout_s=60, redact=lambda text: text.replace("hunter2", "***"))

    assert (caught.value.program, caught.value.exit_code) == ("/bin/sh", 3)
    assert caught.value.tail == "password=*** went wrong"
    assert run(argv, timeout_s=60, check=False).exit_code == 3


def test_a_missing_program_is_the_same_error() -> None:
    """What cannot be started says why, as exit code 127."""
    with pytest.raises(CommandFailedError) as caught:
        run(["/no/such/program"], timeout_s=60)

    assert caught.value.exit_code == 127


def test_the_tail_is_short_and_last() -> None:
    """However much is written, the tail is its last 1,024 characters."""
    tails: list[str] = []

    done = run(python("print('x' * 100_000 + 'end')"), timeout_s=60, on_output=tails.append)

    assert len(done.tail) == TAIL_CHARACTERS
    assert done.tail.endswith("end")
    assert tails[-1] == done.tail
    assert len(done.stdout) == 100_004


def test_half_a_line_is_not_shown_before_others() -> None:
    """What it quotes cannot be told any more: a customer's text of 9,000 characters stays away."""
    said = "print('ERROR:  invalid input: ' + 'x' * 9_000); print('CONTEXT:  COPY t')"

    assert run(python(said), timeout_s=60).tail == "CONTEXT:  COPY t"


def test_an_overrun_ends_the_whole_group() -> None:
    """A program over its limit is ended with its children, also when it ignores SIGTERM."""
    began = time.monotonic()

    with pytest.raises(CommandTimedOutError) as caught:
        run(shell("trap '' TERM; sleep 60 & echo $!; wait; sleep 60"), timeout_s=1.5)

    assert time.monotonic() - began < 30
    assert ended(int(caught.value.tail))


def test_a_child_left_behind_is_ended_too() -> None:
    """A program that ends well leaves nobody of its group who would keep the lease."""
    done = run(shell("sleep 60 & echo $!"), timeout_s=60)

    assert ended(int(done.stdout))


def test_an_interrupted_wait_leaves_no_child() -> None:
    """When the step is interrupted the program has ended before anybody hears of it."""
    pids: list[int] = []

    def interrupt(tail: str) -> None:
        pids.append(int(tail))
        raise StepInterrupted

    with pytest.raises(StepInterrupted):
        run(shell("echo $$; sleep 60"), timeout_s=60, on_output=interrupt)

    assert ended(pids[0])


def test_the_lease_goes_to_children_only_when_given(tmp_path: Path) -> None:
    """A program that changes nothing does not hold the lease; one that may, does."""
    lease = Lease(tmp_path, "production")
    code = (
        "import os; fds = os.listdir('/proc/self/fd')\n"
        "print(any(os.path.realpath(f'/proc/self/fd/{f}').endswith('.lease') for f in fds))"
    )
    with lease.acquire(0) as held:
        without = run(python(code), timeout_s=60).stdout
        given = run(python(code), timeout_s=60, lease_fd=held.fd).stdout

    assert (without, given) == (b"False\n", b"True\n")


def test_a_child_dies_with_its_parent(tmp_path: Path) -> None:
    """The kernel ends a child whose parent was killed without a word."""
    script = f"echo $$ > {tmp_path}/part; mv {tmp_path}/part {tmp_path}/child; exec sleep 60"
    parent = running(f"run(['/bin/sh', '-c', {script!r}], timeout_s=60)")
    eventually((tmp_path / "child").exists)
    parent.kill()
    parent.wait(60)

    assert ended(int((tmp_path / "child").read_text()))


def test_a_late_program_takes_along_what_left_its_session(tmp_path: Path) -> None:
    """Twice forked, in a session of its own, every file closed: it ends with the time limit."""
    stray = leaves_a_stray(tmp_path, then="time.sleep(60)")
    with Lease(tmp_path, "production").acquire(0) as held, pytest.raises(CommandTimedOutError):
        run(python(stray), timeout_s=3, lease_fd=held.fd)

    assert ended(int((tmp_path / "stray").read_text()))


def test_what_a_killed_holder_left_is_ended_by_the_next(tmp_path: Path) -> None:
    """It gave up the lease, so the next holder gets it, and ends it before it goes on."""
    stray = leaves_a_stray(tmp_path, then="time.sleep(60)")
    job = running(
        "from pathlib import Path; from workers.lease import Lease\n"
        f"with Lease(Path({str(tmp_path)!r}), 'production').acquire(0) as held:\n"
        f"    run([sys.executable, '-c', {stray!r}], timeout_s=60, lease_fd=held.fd)\n"
    )
    eventually((tmp_path / "stray").exists)
    pid = int((tmp_path / "stray").read_text())
    job.kill()
    job.wait(60)
    assert not ended(pid, within_s=1)
    with Lease(tmp_path, "staging").acquire(0):
        assert is_running(pid), "another environment's lease is none of its business"
    with Lease(tmp_path, "production").acquire(5):
        assert not is_running(pid)


def test_what_a_program_left_running_on_purpose_stays(tmp_path: Path) -> None:
    """A program that ended by itself may leave a daemon; the next holder has no quarrel with it."""
    lease = Lease(tmp_path, "production")
    with lease.acquire(0) as held:
        run(python(leaves_a_stray(tmp_path, then="pass")), timeout_s=60, lease_fd=held.fd)
    pid = int((tmp_path / "stray").read_text())
    try:
        with lease.acquire(0):
            assert is_running(pid)
    finally:
        os.kill(pid, signal.SIGKILL)


def running(code: str) -> subprocess.Popen[bytes]:
    """A process that uses `run`."""
    code = f"import sys\nfrom workers.adapters.children import run\n{code}"
    return subprocess.Popen([sys.executable, "-c", code])


def leaves_a_stray(folder: Path, then: str) -> str:
    """A program with a child that has left its group and session, and closed every file."""
    return (
        "import os, pathlib, time\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    if os.fork() == 0:\n"
        "        os.closerange(0, 256)\n"
        f"        pathlib.Path({str(folder)!r}, 'part').write_text(str(os.getpid()))\n"
        f"        pathlib.Path({str(folder)!r}, 'part').rename({str(folder / 'stray')!r})\n"
        "        time.sleep(60)\n"
        "    os._exit(0)\n"
        "os.wait()\n"
        f"while not pathlib.Path({str(folder)!r}, 'stray').exists(): time.sleep(0.01)\n"
        f"{then}\n"
    )
