"""The processes of one installation as the kernel shows them: whom to strike, who overlaps."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from pathlib import Path

from tests.stack.installation import Installation

LOOK_EVERY_S = 0.02
PROCESSES = ("bot", "worker", "observer")
_YOUNG_LOOKS = 10


@dataclass(slots=True)
class Supervisor:
    """Restarts what died at once, as Compose's `restart` or systemd does."""

    made: Installation
    _ending: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        """Start everything: in the thread whose end is theirs, see `prctl(2)`."""
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End everything, by its own id."""
        self._ending.set()
        self._thread.join(timeout=30)

    def _watch(self) -> None:
        self.made.start(*PROCESSES)
        while not self._ending.wait(LOOK_EVERY_S):
            for name in PROCESSES:
                if self.made.running[name].poll() is not None:
                    self.made.start(name)
        self.made.stop()


@dataclass(slots=True)
class Watch:
    """Looks all the time for two of a kind that hold effects at once.

    What two looks in a row show counts: a process between `fork` and `execve` still bears its
    parent's name.
    """

    made: Installation
    overlaps: list[str] = field(default_factory=list)
    _words: dict[int, tuple[int, list[str]]] = field(default_factory=dict)
    _before: set[tuple[str, tuple[int, ...]]] = field(default_factory=set)
    _told: set[tuple[str, tuple[int, ...]]] = field(default_factory=set)
    _ending: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        """Begin to look."""
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop looking."""
        self._ending.set()
        self._thread.join(timeout=10)

    def _look(self) -> None:
        while not self._ending.wait(LOOK_EVERY_S):
            found = {
                (kind, tuple(sorted(pids)))
                for kind, pids in self._at_work().items()
                if len(pids) > 1
            }
            for kind, pids in sorted(found & self._before - self._told):
                how = ", ".join(f"{pid} {_how(pid)}" for pid in pids)
                self.overlaps.append(f"{kind}: at once {how}")
            self._told |= found & self._before
            self._before = found

    def _at_work(self) -> dict[str, set[int]]:
        """Job processes, and sessions of Compose (each call of it is a session of its own)."""
        pids = {int(one.name) for one in Path("/proc").iterdir() if one.name.isdigit()}
        for gone in self._words.keys() - pids:
            del self._words[gone]
        found: dict[str, set[int]] = {"job": set(), "compose": set()}
        for pid in pids:
            if self._is_compose(words := self._words_of(pid)):
                found["compose"] |= {session} if (session := _session(pid)) else set()
            elif words[-2:] == ["rollbot", "worker"] and self._is_job(pid, words):
                found["job"].add(pid)
        return found

    def _words_of(self, pid: int) -> list[str]:
        """Read anew while a process is young: it may not yet be what it will be."""
        looks, words = self._words.get(pid, (0, []))
        if looks < _YOUNG_LOOKS:
            words = command_line(pid)
            self._words[pid] = (looks + 1, words)
        return words

    def _is_compose(self, words: list[str]) -> bool:
        changing = "up" in words or "stop" in words
        return changing and self.made.project.name in words and "compose" in " ".join(words[:2])

    def _is_job(self, pid: int, words: list[str]) -> bool:
        """A child of a worker, or one that outlived it."""
        worker, parent = self.made.running.get("worker"), _parent(pid)
        if worker is None or worker.pid == pid or _folder(pid) != self.made.directory:
            return False
        if parent == os.getpid():
            # A worker that the supervisor has just started, and not noted yet.
            return False
        return parent == worker.pid or (parent > 0 and command_line(parent) != words)


def job_of(worker_pid: int) -> int:
    """The job process of a worker; 0 when it has none."""
    found = [pid for pid in children(worker_pid) if command_line(pid)[-1:] == ["worker"]]
    return found[0] if found else 0


def compose_of(worker_pid: int) -> list[int]:
    """Every process of the Compose call that a worker's job has running, client first."""
    job = job_of(worker_pid)
    below = descendants(job) if job else []
    return [pid for pid in below if "compose" in " ".join(command_line(pid)[:2])]


def descendants(pid: int) -> list[int]:
    """Everything below a process, parents first."""
    found = []
    for child in children(pid):
        found += [child, *descendants(child)]
    return found


def children(pid: int) -> list[int]:
    """The direct children of every thread of a process."""
    found: list[int] = []
    for task in _threads(pid):
        try:
            found += map(int, (task / "children").read_text().split())
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def command_line(pid: int) -> list[str]:
    """Its words; none when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
    except (FileNotFoundError, ProcessLookupError):
        return []


def _threads(pid: int) -> list[Path]:
    try:
        return list(Path(f"/proc/{pid}/task").iterdir())
    except (FileNotFoundError, ProcessLookupError):
        return []


def _stat(pid: int) -> list[str]:
    """What follows the name: state, parent, group, session; none when it is gone or a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return [] if fields[0] in "ZX" else fields


def _how(pid: int) -> str:
    """State, parent and last words, for people: a killed process may still wait for its disk."""
    state, parent = (*_stat(pid)[:2], "gone", "?")[:2]
    return f"({state}, child of {parent}: {' '.join(command_line(pid)[-2:])})"


def _parent(pid: int) -> int:
    found = _stat(pid)
    return int(found[1]) if found else 0


def _session(pid: int) -> int:
    found = _stat(pid)
    return int(found[3]) if found else 0


def _folder(pid: int) -> Path | None:
    try:
        return Path(f"/proc/{pid}/cwd").readlink()
    except OSError:
        return None
