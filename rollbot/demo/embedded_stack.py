"""Samokoder on the embedded engine: local processes, nothing to install."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from commands.settings import child_environment
from rollbot.demo.children import Children
from rollbot.demo.client import EngineClient
from rollbot.demo.places import SERVICES, Places
from rollbot.demo.postgres import Postgres
from rollbot.demo.project_files import RELEASES, STORES, pin, write_project
from rollbot.demo.schema import MIGRATES, lay_out
from rollbot.demo.stack import wait_until

_REGISTRY = "registry.demo:5000"
_PROJECT = "samokoder"


@dataclass(slots=True)
class EmbeddedStack:
    """The engine is a child process of its own; closing the children ends it."""

    places: Places
    children: Children
    database: Postgres | None = None
    engine: EngineClient = field(init=False)

    _homes: dict[tuple[str, str], Path] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Nothing is connected yet."""
        self.engine = EngineClient(self.places.engine_url)

    def start(self) -> None:
        """Start the engine's daemon and fill its registry. Raises DemoError."""
        argv = [sys.executable, "-m", "rollbot.demo.daemon"]
        argv += ["--directory", str(self.places.engine), "--port", str(self.places.engine_port)]
        self.children.start("engine", argv, child_environment())
        write_project(
            self.places,
            self.repository,
            _REGISTRY,
            database_url=self.database.url if self.database else "",
        )
        wait_until("engine", self.engine.is_up)
        for release in RELEASES:
            for service in SERVICES:
                repository, built_at = self.repository(service), release.built_at
                image = self.engine.push(repository, release.version, release.revision, built_at)
                self._homes[service, release.version] = self.places.image(image.digest)
            if self.database:
                lay_out(self._homes[MIGRATES, release.version], release.version)
        for store, tag in STORES.values():
            self.engine.push(f"{_REGISTRY}/{store}", tag, "", RELEASES[0].built_at)

    def repository(self, service: str) -> str:
        """In the engine's own registry."""
        return f"{_REGISTRY}/samokoder-{service}"

    def compose(self) -> Mapping[str, object]:
        """The embedded generation, by its address."""
        return {
            "generation": "embedded",
            "project": _PROJECT,
            "engine_url": self.places.engine_url,
        }

    def deploy(self, version: str, services: tuple[str, ...]) -> None:
        """Pin, pull, migrate, `up`."""
        pin(self.places.project, version)
        self._compose("pull", *services)
        if self.database and (not services or MIGRATES in services):
            self.database.migrate(self._homes[MIGRATES, version], version)
        self._compose("up", "-d", *services)

    def _compose(self, *words: str) -> None:
        self.engine.compose(self.places.project, "-p", _PROJECT, *words)

    def close(self) -> None:
        """Let the connection go; the daemon is one of the children."""
        self.engine.close()
