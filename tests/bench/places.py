"""The parts that every measurement runs on: Redis, Docker images, a project."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import docker

from tests.engines.found import address_of
from tests.engines.redis_server import RedisServer
from tests.stack.compose import Compose
from tests.stack.images import Images
from tests.stack.project import Samokoder


@dataclass(frozen=True, slots=True)
class Line:
    """One measured figure in milliseconds; `bound` is what the issue demands, if anything."""

    name: str
    values: tuple[float, ...]
    note: str = ""

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    def __str__(self) -> str:
        low, high = min(self.values), max(self.values)
        return f"{self.name:<58} {self.median:8.1f} ms  ({low:.1f} … {high:.1f})  {self.note}"


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` of all values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]


@contextmanager
def redis_server() -> Iterator[RedisServer]:
    """A real Redis with its append-only file on, always synced."""
    with tempfile.TemporaryDirectory(prefix="rollbot-bench-") as directory:
        server = RedisServer(address_of("redis"), Path(directory))
        server.start()
        try:
            yield server
        finally:
            server.kill9()


@contextmanager
def project(compose: Compose) -> Iterator[Samokoder]:
    """A running stand-in project with every release present here."""
    engine = docker.DockerClient(base_url=address_of("docker"))
    images = Images(engine, address_of("registry"))
    images.publish_all()
    with tempfile.TemporaryDirectory(prefix="rollbot-bench-") as directory:
        made = Samokoder(compose, images, Path(directory))
        made.write("v1.3.0")
        try:
            made.deploy("v1.3.0")
            yield made
        finally:
            made.down()
            engine.close()
