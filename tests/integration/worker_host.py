"""A worker as a process of its own, as a supervisor would start it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests.engines.redis_server import RedisServer
from tests.engines.waiting import eventually
from tests.integration import worker_host_jobs

FUNCTION = "tests.integration.worker_host_jobs.drive"
ENVIRONMENT = "production"
_SERVE = "import sys; from workers.main import serve; serve(*sys.argv[1:])"


@dataclass(slots=True)
class WorkerProcess:
    """`serve` in a process of its own; `log` is what it printed."""

    server: RedisServer
    folder: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    @property
    def log(self) -> str:
        return (self.folder / "worker.log").read_text()

    def start(self) -> None:
        env = {**os.environ, worker_host_jobs.FOLDER: str(self.folder), "PYTHONUNBUFFERED": "1"}
        with (self.folder / "worker.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", _SERVE, self.server.url, ENVIRONMENT, FUNCTION],
                env=env,
                stdout=log,
                stderr=log,
            )

    def signal(self, signum: signal.Signals) -> None:
        os.kill(self.pid, signum)

    def kill9(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(60)
            self.process = None

    def ended(self, within_s: float = 60) -> int:
        assert self.process is not None
        return self.process.wait(within_s)

    def told(self, name: str, within_s: float = 60) -> str:
        """The content of a file that a job writes; waits for it."""
        path = self.folder / name
        eventually(path.exists, within_s=within_s, what=f"{name}; worker said: {self.log}")
        return path.read_text()

    def have(self, rollback_id: str, what: str) -> None:
        """Decide what a job will do; see `worker_host_jobs`."""
        (self.folder / f"do-{rollback_id}").write_text(what)

    def say(self, name: str) -> None:
        (self.folder / name).touch()

    def forget(self, *names: str) -> None:
        for name in names:
            (self.folder / name).unlink(missing_ok=True)

    def runs(self) -> list[str]:
        path = self.folder / "runs"
        lines = path.read_text().splitlines() if path.exists() else []
        return [line.split()[0] for line in lines]

    def has_said(self, words: str, times: int) -> bool:
        return self.log.count(words) == times

    def has_run(self, times: int) -> bool:
        return len(self.runs()) == times

    def ran_at(self) -> list[float]:
        path = self.folder / "runs"
        lines = path.read_text().splitlines() if path.exists() else []
        return [float(line.split()[1]) for line in lines]


def is_running(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def gone_within(pid: int, seconds: float) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if not is_running(pid):
            return True
        time.sleep(0.01)
    return not is_running(pid)
