"""A Docker engine of a test's own, which may be killed and started again; needs root.

One at a time: its default network has a name of the kernel's.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

import docker
import docker.errors
import requests

from tests.engines.waiting import eventually

BRIDGE = "rollbot-tests0"
_BRIDGE_ADDRESS = "10.213.0.1/24"
SUBNET = "10.213.1.0/24"
"""For a network in this engine: two that choose for themselves at once may choose the same."""
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
            with suppress(ProcessLookupError):
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
            # Told to have no bridge, dockerd deletes docker0, whoever's it is; told of address
            # pools, it does so when it is restarted. The kernel's tables are the first one's, too.
            *("--bridge", BRIDGE, "--iptables=false", "--ip-masq=false", "--ip-forward=false"),
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
    with _bridge():
        try:
            made.start()
            yield made
        finally:
            made.close()
            shutil.rmtree(made.folder, ignore_errors=True)


@contextmanager
def _bridge() -> Iterator[None]:
    """The default network of the engine; one that a killed run left is made anew."""
    subprocess.run(["ip", "link", "delete", BRIDGE], check=False, stderr=subprocess.DEVNULL)
    _ip("link", "add", BRIDGE, "type", "bridge")
    try:
        _ip("address", "add", _BRIDGE_ADDRESS, "dev", BRIDGE)
        _ip("link", "set", BRIDGE, "up")
        yield
    finally:
        _ip("link", "delete", BRIDGE)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)
