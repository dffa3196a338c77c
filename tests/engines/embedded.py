"""The demo's embedded engine, as a real daemon with real processes, and a project on it."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from rollbot.demo.client import EngineClient
from tests.engines.ports import free_port
from tests.engines.waiting import eventually

REPOSITORY = "registry.test:5000/samokoder-api"
DATABASE = "registry.test:5000/postgres"
RELEASES = ("v1.2.2", "v1.2.3", "v1.3.0", "v1.9.8", "v1.9.9")
_BUILT_AT = datetime(2025, 10, 1, tzinfo=UTC)
_COMPOSE_FILE = """
services:
  api:
    image: registry.test:5000/samokoder-api:${{APP_VERSION:?set a version}}
    container_name: samokoder-api
    environment:
      DATABASE_URL: postgresql://samokoder:canary-in-memory@db/samokoder
    ports: ["127.0.0.1:{port}:8000"]
  db:
    image: registry.test:5000/postgres:15
    container_name: samokoder-db
"""


class EmbeddedEngine:
    """The daemon's process, a client of it, and a Compose project with an api and a database."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.project = directory / "project"
        self.port, self.api_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.client = EngineClient(self.url)
        self.start()

    def start(self) -> None:
        argv = [sys.executable, "-m", "rollbot.demo.daemon", "--port", str(self.port)]
        self.process = subprocess.Popen([*argv, "--directory", str(self.directory)])
        eventually(self.client.is_up, what="the embedded engine answers")

    def kill9(self) -> None:
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        self.process.terminate()
        self.process.wait()
        self.client.close()

    def deploy(self, version: str) -> None:
        """Fill the registry and start the whole project on this version."""
        self.project.mkdir()
        compose_file = _COMPOSE_FILE.format(port=self.api_port)
        (self.project / "docker-compose.yml").write_text(compose_file)
        for day, release in enumerate(RELEASES):
            built_at = _BUILT_AT + timedelta(days=day)
            image = self.client.push(REPOSITORY, release, f"rev{day}", built_at)
            self.files_of(image.digest).mkdir(parents=True)
        self.client.push(DATABASE, "15", "pg", _BUILT_AT)
        self.pin(version)
        self.client.compose(self.project, "up", "-d")

    def files_of(self, digest: str) -> Path:
        """The folder that one-off programs of an image run in."""
        return self.directory / "images" / digest.removeprefix("sha256:")

    def pin(self, version: str) -> None:
        """Write the version where Compose reads it."""
        (self.project / ".env").write_text(f"APP_VERSION={version}\n")

    def status(self, path: str) -> int:
        """The status of one GET of the api; 0 when nothing answers."""
        try:
            return self.get(path).status_code
        except httpx.TransportError:
            return 0

    def get(self, path: str) -> httpx.Response:
        return httpx.get(f"http://127.0.0.1:{self.api_port}{path}", trust_env=False, timeout=30)
