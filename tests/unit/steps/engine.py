"""An engine in memory whose Compose reads the pins from the configuration files, as the real one.

Images are (repository, tag) → image id; a container is what `up` made of the pin it found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from commands.domain.errors import EngineError, ImageNotFoundError
from commands.domain.facts import ImageDigest, ReleaseImage, RunningRelease
from commands.domain.plan import CommandLine, Pin
from commands.domain.runbook import Runbook
from commands.planner.pins import compose_name, pin_for
from commands.ports import ProgramOutcome, WebAnswer
from tests.fakes.config_files import FakeConfigFiles

START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


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


@dataclass(slots=True)
class FakeEngine:
    """`Containers` for the steps' tests. `log` has every changing call in its order."""

    runbook: Runbook
    files: FakeConfigFiles
    local: dict[tuple[str, str], ImageDigest] = field(default_factory=dict)
    remote: dict[tuple[str, str], ImageDigest] = field(default_factory=dict)
    kept: set[ImageDigest] = field(default_factory=set)
    containers: dict[str, RunningRelease] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    exit_code: int = 0
    dies_after: int | None = None

    def start(self, service: str, version: str) -> RunningRelease:
        """Have a container of that version, as a deploy before our time left it."""
        definition = self.runbook.services[service]
        image_id = self.local[(definition.image, version)]
        self.kept.add(image_id)
        now = RunningRelease(
            service=compose_name(service, definition),
            container_id=f"{service}-{len(self.log)}-{image_id}",
            image_id=image_id,
            reference=f"{definition.image}:{version}",
            version=version,
            started_at=START,
        )
        self.containers[now.service] = now
        return now

    def becomes(self, service: str, **changes: object) -> None:
        """Something happens to a container."""
        self.containers[service] = self.containers[service].model_copy(update=changes)

    def running(self, compose_service: str) -> RunningRelease | None:
        return self.containers.get(compose_service)

    def local_images(self, repository: str) -> tuple[ReleaseImage, ...]:
        return tuple(
            ReleaseImage(
                service="", repository=r, version=tag, digest=i, image_id=i, local=True
            )
            for (r, tag), i in self.local.items()
            if r == repository
        )  # fmt: skip

    def registry_tags(self, repository: str) -> tuple[str, ...]:
        return tuple(tag for r, tag in self.remote if r == repository)

    def registry_digest(self, repository: str, tag: str) -> ImageDigest | None:
        return self.remote.get((repository, tag))

    def pull(self, repository: str, tag: str, digest: ImageDigest, timeout_s: float) -> None:
        known = {*self.local.values(), *self.remote.values(), *self.kept}
        if digest not in known:
            raise ImageNotFoundError(f"{repository}@{digest}")
        self.log.append(f"pull {tag}")
        self.local[(repository, tag)] = digest

    def has_image(self, repository: str, tag: str, digest: ImageDigest) -> bool:
        return self.local.get((repository, tag)) == digest

    def remove_image(self, repository: str, tag: str) -> None:
        self.log.append(f"remove {tag}")
        self.local.pop((repository, tag), None)

    def compose(self, command: CommandLine, timeout_s: float) -> ProgramOutcome:
        names = [n for n in self.runbook.services if self._name(n) in command.argv]
        stops = "stop" in command.argv
        self.log.append(f"{'stop' if stops else 'up'} {' '.join(names)}")
        for done, name in enumerate(names):
            if self.dies_after is not None and done >= self.dies_after:
                raise EngineError(why="killed")
            if stops:
                self.becomes(self._name(name), state="exited")
            elif not self.exit_code:
                self._up(name)
        return ProgramOutcome(self.exit_code, "port is already allocated", 0.5)

    def settle(self, rollback_id: str, timeout_s: float) -> None:
        return

    def ping(self) -> str:
        return "fake"

    def disk_free_bytes(self) -> int | None:
        return None

    @contextmanager
    def dying(self, after: int) -> Iterator[None]:
        """Compose is killed after so many services."""
        self.dies_after = after
        try:
            yield
        finally:
            self.dies_after = None

    def _name(self, service: str) -> str:
        return compose_name(service, self.runbook.services[service])

    def _up(self, service: str) -> None:
        """As Compose: what the pin names is run; the same image is not recreated."""
        definition = self.runbook.services[service]
        compose = next(iter(self.runbook.environments.values())).compose
        value = self.files.pinned(pin_for(compose, service, definition, "any")) or ""
        tag = value.rpartition(":")[2]
        now = self.containers.get(self._name(service))
        wanted = self.local[(definition.image, tag)]
        if now is None or now.image_id != wanted:
            self.start(service, tag)
        self.becomes(self._name(service), state="running", version=tag)


@dataclass(slots=True)
class FakeWeb:
    """Answers by URL: a status, a body, or nothing (None). `asked` counts questions."""

    answers: dict[str, int | bytes | None] = field(default_factory=dict)
    asked: int = 0

    def get(self, url: str, timeout_s: float) -> WebAnswer:
        self.asked += 1
        match self.answers.get(url):
            case None:
                raise EngineError(why="connection refused")
            case int(status):
                return WebAnswer(status, b"", 0.01)
            case body:
                return WebAnswer(200, body, 0.01)


@dataclass(slots=True)
class FakePrograms:
    """One outcome, or one error, for every command."""

    outcome: ProgramOutcome | EngineError

    def run(self, command: CommandLine, timeout_s: float) -> ProgramOutcome:
        if isinstance(self.outcome, EngineError):
            raise self.outcome
        return self.outcome


@dataclass(slots=True)
class FakeHistory:
    """A repository's tags and one commit between any two."""

    names: tuple[str, ...] = ()

    def tags(self) -> tuple[str, ...]:
        return self.names

    def commits_between(self, older: str, newer: str) -> tuple[str, ...]:
        return (f"abc1234 {older}..{newer}",) if {older, newer} <= set(self.names) else ()


def pin_of(runbook: Runbook, service: str, tag: str) -> Pin:
    """The pin that this runbook's environment would use."""
    compose = next(iter(runbook.environments.values())).compose
    return pin_for(compose, service, runbook.services[service], tag)
