"""A real embedded engine, as a daemon, for the tests of the demo."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from rollbot.demo.client import EngineClient

REPOSITORY = "registry.test:5000/samokoder-api"
_BUILT_AT = datetime(2025, 10, 1, tzinfo=UTC)
COMPOSE_FILE = """
services:
  api:
    image: registry.test:5000/samokoder-api:${{APP_VERSION:?set a version}}
    container_name: samokoder-api
    ports: ["127.0.0.1:{port}:8000"]
  db:
    image: registry.test:5000/postgres:15
    container_name: samokoder-db
"""


def until(question: Callable[[], object], deadline_s: float = 10.0) -> None:
    """Ask until the answer is true; fail after the deadline."""
    end = time.monotonic() + deadline_s
    while time.monotonic() < end:
        if question():
            return
        time.sleep(0.02)
    raise AssertionError("not in time")


class Daemon:
    """The engine's process and a client of it."""

    def __init__(self, directory: Path, port: int) -> None:
        self.directory, self.port = directory, port
        self.url = f"http://127.0.0.1:{port}"
        self.client = EngineClient(self.url)
        self.start()

    def start(self) -> None:
        argv = [sys.executable, "-m", "rollbot.demo.daemon", "--port", str(self.port)]
        self.process = subprocess.Popen([*argv, "--directory", str(self.directory)])
        until(self.client.is_up)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    """An empty engine of its own."""
    daemon = Daemon(tmp_path, free_port())
    yield daemon
    daemon.process.terminate()
    daemon.process.wait()
    daemon.client.close()


@pytest.fixture
def port() -> int:
    """Where the project's api is published."""
    return free_port()


def free_port() -> int:
    """A loopback port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def project(daemon: Daemon, port: int) -> Path:
    """A Compose project on api v1.3.0, with v1.2.3, v1.9.8 and v1.9.9 in the registry."""
    folder = daemon.directory / "project"
    folder.mkdir()
    (folder / "docker-compose.yml").write_text(COMPOSE_FILE.format(port=port))
    for day, version in enumerate(("v1.2.3", "v1.3.0", "v1.9.8", "v1.9.9")):
        daemon.client.push(REPOSITORY, version, f"rev{day}", _BUILT_AT + timedelta(days=day))
    daemon.client.push("registry.test:5000/postgres", "15", "pg", _BUILT_AT)
    pin(folder, "v1.3.0")
    daemon.client.compose(folder, "up", "-d")
    return folder


def pin(folder: Path, version: str) -> None:
    """Write the version where Compose reads it."""
    (folder / ".env").write_text(f"APP_VERSION={version}\n")


def status(port: int, path: str) -> int:
    """The status of one GET; 0 when nothing answers."""
    try:
        return httpx.get(f"http://127.0.0.1:{port}{path}", trust_env=False).status_code
    except httpx.TransportError:
        return 0
