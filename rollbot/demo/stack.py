"""What runs the demo's Samokoder: the embedded engine, or Docker with Compose."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Protocol

from commands.domain.errors import RollbotError

_LOOK_S = 0.02


class DemoError(RollbotError):
    """The demo's world did not come up: which part, and for how long it was waited for."""

    key = "demo.not_up"


class NoDockerError(RollbotError):
    """`--engine docker`, but no Docker or Compose answers here."""

    key = "demo.no_docker"


class Stack(Protocol):
    """Everything that depends on the engine. Used from one thread."""

    def start(self) -> None:
        """Have the engine up, the project written and every release ready to be pulled."""
        ...

    def repository(self, service: str) -> str:
        """The image repository of one service, without a tag."""
        ...

    def compose(self) -> Mapping[str, object]:
        """The runbook's `environments.production.compose`."""
        ...

    def deploy(self, version: str, services: tuple[str, ...]) -> None:
        """What the team's pipeline does: pull, migrate, pin, `up`; no service means all."""
        ...

    def close(self) -> None:
        """End and remove everything it made. Safe to repeat."""
        ...


def wait_until(what: str, question: Callable[[], bool], within_s: float = 60.0) -> None:
    """Ask until the answer is yes. Raises DemoError when it was not in time."""
    deadline = time.monotonic() + within_s
    while not question():
        if time.monotonic() > deadline:
            raise DemoError(what=what, seconds=round(within_s))
        time.sleep(_LOOK_S)
