"""The engine in memory, with a Compose that reads the pins from the files, as the real one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from commands.domain.errors import EngineError
from commands.domain.facts import RunningRelease
from commands.domain.plan import CommandLine, Pin
from commands.domain.runbook import Runbook
from commands.planner.pins import compose_name, pin_for
from commands.ports import ProgramOutcome
from tests.fakes.config_files import FakeConfigFiles
from tests.fakes.containers import START, FakeContainers, FakeImage


@dataclass(slots=True)
class SteppedClock:
    """Time that passes only in `sleep`; `at_time` runs things when their moment has come."""

    time: datetime = START
    at_time: list[tuple[float, Callable[[], object]]] = field(default_factory=list)

    def now(self) -> datetime:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)
        due = [e for e in self.at_time if e[0] <= self.elapsed_s]
        self.at_time = [e for e in self.at_time if e not in due]
        for _, happen in due:
            happen()

    @property
    def elapsed_s(self) -> float:
        return (self.time - START).total_seconds()


class PinnedEngine(FakeContainers):
    """Compose here also starts what had no container, stops, fails and is killed half-way."""

    def __init__(self, runbook: Runbook, files: FakeConfigFiles) -> None:
        super().__init__(self._wanted)
        self.runbook, self.files = runbook, files
        self.exit_code = 0
        self.dies_after: int | None = None

    def image(self, service: str, version: str) -> FakeImage:
        return FakeImage.of(self.runbook.services[service].image, version)

    def deployed(self, service: str, version: str) -> RunningRelease:
        """Have a container of that version, as a deploy before our time left it."""
        return self.start(self._name(service), self.image(service, version))

    def becomes(self, service: str, **changes: object) -> None:
        """Something happens to a container."""
        self.project[service] = self.project[service].model_copy(update=changes)

    def compose(self, command: CommandLine, timeout_s: float) -> ProgramOutcome:
        if self.exit_code:
            return ProgramOutcome(self.exit_code, "port is already allocated", 0.5)
        names = [n for n in self.runbook.services if self._name(n) in command.argv]
        for done, name in enumerate(names):
            if self.dies_after is not None and done >= self.dies_after:
                raise EngineError(why="killed")
            if "stop" in command.argv:
                self.becomes(self._name(name), state="exited")
            else:
                self._up(self._name(name))
        return ProgramOutcome(0, "", 0.5)

    @contextmanager
    def dying(self, after: int) -> Iterator[None]:
        """Compose is killed after so many services."""
        self.dies_after = after
        try:
            yield
        finally:
            self.dies_after = None

    def _up(self, compose_service: str) -> None:
        image = self.here[self._wanted(compose_service)]
        now = self.project.get(compose_service)
        if now is None or now.image_id != image.image_id:
            self.start(compose_service, image)
        self.becomes(
            compose_service, state="running", version=self._wanted(compose_service).split(":")[-1]
        )

    def _name(self, service: str) -> str:
        return compose_name(service, self.runbook.services[service])

    def _wanted(self, compose_service: str) -> str:
        """What the pin of the service names now."""
        name = next(n for n in self.runbook.services if self._name(n) == compose_service)
        tag = (self.files.pinned(pin_of(self.runbook, name, "any")) or "").rpartition(":")[2]
        return f"{self.runbook.services[name].image}:{tag}"


def looks_like(image: FakeImage | None) -> dict[str, object]:
    """What a container of that image shows; None is an image that nobody knows."""
    if image is None:
        return {"image_id": "sha256:stranger", "repo_digests": ()}
    return {"image_id": image.image_id, "repo_digests": (image.digest,)}


def pin_of(runbook: Runbook, service: str, tag: str) -> Pin:
    """The pin that this runbook's environment would use."""
    compose = next(iter(runbook.environments.values())).compose
    return pin_for(compose, service, runbook.services[service], tag)
