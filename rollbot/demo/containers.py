"""The embedded engine's containers: local processes, looked after and restarted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import IO

from pydantic import Field

from commands.settings import child_environment
from rollbot.demo.images import Image, Record

_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 5.0
_CALM_AFTER_S = 10.0
_MODULE = "rollbot.demo.samokoder"


class ContainerState(StrEnum):
    """Docker's words for how a container is (Engine API 1.43, `State.Status`)."""

    CREATED = "created"
    RUNNING = "running"
    RESTARTING = "restarting"
    EXITED = "exited"


class Container(Record):
    """One container as the engine remembers it; it outlives the engine, its process does not."""

    id: str
    name: str
    project: str
    service: str
    image_id: str
    reference: str
    config_hash: str
    port: int | None
    environment: dict[str, str] = Field(default_factory=dict)
    created_at: datetime
    started_at: datetime | None = None
    restart_count: int = 0
    state: ContainerState = ContainerState.CREATED

    @classmethod
    def new_id(cls) -> str:
        """64 hexadecimal digits, as Docker's."""
        return uuid.uuid4().hex + uuid.uuid4().hex

    def now(
        self, state: ContainerState, *, started_at: datetime | None = None, restarts: int = 0
    ) -> Container:
        """The same container in another state."""
        return self.model_copy(
            update={
                "state": state,
                "started_at": started_at or self.started_at,
                "restart_count": self.restart_count + restarts,
            }
        )


@dataclass(slots=True)
class _Run:
    process: subprocess.Popen[bytes]
    log: IO[bytes]
    since: float = field(default_factory=time.monotonic)


@dataclass(slots=True)
class Processes:
    """The processes behind the containers. One thread only: the kernel ties a child's life to it.

    (The death signal of prctl(2) fires when the *thread* that started the child ends.)
    """

    logs: Path
    _running: dict[str, _Run] = field(default_factory=dict)
    _pauses_s: dict[str, float] = field(default_factory=dict)
    _due: dict[str, float] = field(default_factory=dict)

    def start(self, container: Container, image: Image) -> Container:
        """Start its process; whether it is well is for others to ask."""
        argv = [sys.executable, "-m", _MODULE, "--owner-pid", str(os.getpid())]
        argv += ["--service", container.service]
        argv += ["--version", image.version, "--revision", image.revision]
        if container.port is not None:
            argv += ["--port", str(container.port)]
        log = (self.logs / f"{container.name}.log").open("ab")
        process = subprocess.Popen(
            argv,
            env={**child_environment(), **container.environment},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        self._running[container.id] = _Run(process, log)
        self._due.pop(container.id, None)
        return container.now(ContainerState.RUNNING, started_at=datetime.now(UTC))

    def stop(self, container: Container, patience: timedelta) -> Container:
        """Ask its process to end, insist after `patience`, and wait until it is gone."""
        self._due.pop(container.id, None)
        self._pauses_s.pop(container.id, None)
        run = self._running.pop(container.id, None)
        if run is not None:
            run.process.send_signal(signal.SIGTERM)
            try:
                run.process.wait(patience.total_seconds())
            except subprocess.TimeoutExpired:
                run.process.kill()
                run.process.wait()
            run.log.close()
        return container.now(ContainerState.EXITED)

    def pid(self, container: Container) -> int | None:
        """The process behind it, if there is one now."""
        run = self._running.get(container.id)
        return run.process.pid if run else None

    def has_ended(self, container: Container) -> bool:
        """Whether its process ended by itself; true once, then a restart is due after a pause."""
        run = self._running.get(container.id)
        if run is None or run.process.poll() is None:
            return False
        run.log.close()
        del self._running[container.id]
        is_calm = time.monotonic() - run.since > _CALM_AFTER_S
        pause_s = _FIRST_PAUSE_S if is_calm else self._pauses_s.get(container.id, _FIRST_PAUSE_S)
        self._pauses_s[container.id] = min(pause_s * 2, _LONGEST_PAUSE_S)
        self._due[container.id] = time.monotonic() + pause_s
        return True

    def is_due(self, container: Container) -> bool:
        """Whether the pause before its restart is over."""
        return time.monotonic() >= self._due.get(container.id, float("inf"))
