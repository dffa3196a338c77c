"""A Docker engine of a test's own, which may be killed and started again; needs root."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

import docker
import docker.errors
import requests

from tests.engines.waiting import eventually

_STARTS_WITHIN_S = 60.0


@dataclass(slots=True)
class DockerServer:
    """`dockerd` on a socket, a data folder and a containerd of its own."""

    folder: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"unix://{self.folder}/docker.sock"

    def start(self) -> None:
        """Start it, on what an earlier one left, and wait until it answers."""
        # The number in a file that a killed one left may be somebody else's by now.
        for left in (self.folder / "pid", self.folder / "exec/containerd/containerd.pid"):
            left.unlink(missing_ok=True)
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(self._argv(), stdout=log, stderr=log)
        eventually(self._answers, within_s=_STARTS_WITHIN_S, every_s=0.1, what=self.log)

    def kill9(self) -> None:
        """End it without a word; its containers run on, as after a crash."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(30)

    def close(self) -> None:
        """End it and everything that it started, and unmount what it mounted."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(60)
        for pid in self._left_running():
            os.kill(pid, signal.SIGKILL)
        for mounted in self._mounts():
            subprocess.run(["umount", "--lazy", mounted], check=True)

    def log(self) -> str:
        """The end of what it printed."""
        return (self.folder / "log").read_text()[-3000:]

    def _argv(self) -> list[str]:
        return [
            "/usr/sbin/dockerd",
            *("--host", self.url, "--pidfile", f"{self.folder}/pid"),
            *("--data-root", f"{self.folder}/data", "--exec-root", f"{self.folder}/exec"),
            # The first engine's bridge, unused: told to have none, dockerd deletes docker0,
            # whoever's it is. The tables of the kernel are the first one's, too.
            *("--bridge=docker0", "--iptables=false", "--ip-masq=false", "--ip-forward=false"),
            *("--default-address-pool", "base=10.213.0.0/16,size=24"),
        ]

    def _answers(self) -> bool:
        try:
            with closing(docker.DockerClient(base_url=self.url, timeout=5)) as client:
                return bool(client.ping())
        except (docker.errors.DockerException, requests.RequestException):
            return False

    def _left_running(self) -> Iterator[int]:
        """The containers' guardians, known by the address of this engine's containerd."""
        for entry in Path("/proc").iterdir():
            try:
                words = (entry / "cmdline").read_bytes() if entry.name.isdecimal() else b""
            except OSError:
                continue
            if f"{self.folder}/exec".encode() in words:
                yield int(entry.name)

    def _mounts(self) -> list[str]:
        """Innermost first."""
        told = Path("/proc/self/mountinfo").read_text().splitlines()
        places = [line.split()[4] for line in told]
        return [place for place in reversed(places) if place.startswith(f"{self.folder}/")]


@contextmanager
def docker_server() -> Iterator[DockerServer]:
    """An engine that runs; ended, and its folder gone, afterwards."""
    # A short path: a unix socket's may not be longer than 107 bytes.
    made = DockerServer(Path(mkdtemp(prefix="engine-")))
    try:
        made.start()
        yield made
    finally:
        made.close()
        shutil.rmtree(made.folder, ignore_errors=True)
