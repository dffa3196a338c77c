"""Rounds that survive what nobody expected: the bot goes on with everything else.

What happened is never hidden: its traceback is in the log, its number in `/metrics`, and `/healthz`
names what fails as long as it does.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, get_args

import structlog
from prometheus_client import Counter

log = structlog.get_logger()

Task: TypeAlias = Literal["clock", "follow", "send", "alarm", "resume", "connect"]

UNEXPECTED = Counter(
    "rollbot_unexpected_errors", "Rounds of the bot's tasks that an error ended.", ["task"]
)
for _task in get_args(Task):
    # So that the first error is a rise, not a beginning, for whoever is alerted by it.
    UNEXPECTED.labels(_task)

TELL_EVERY_S = 60.0
"""A round comes ten times a second, and a log has an end."""

FAILS_FOR_S = 60.0
"""So long after its last error a round is said to fail, unless it has gone well since."""


@dataclass(slots=True)
class Rounds:
    """Every task's rounds. Without `survives` an error ends the task, as where a person waits."""

    survives: bool = True
    now: Callable[[], float] = time.monotonic
    _failed_at: dict[str, float] = field(default_factory=dict)
    _told_at: dict[str, float] = field(default_factory=dict)

    @property
    def failing(self) -> tuple[str, ...]:
        """Which of them ended with an error at last: `clock production/RB-17`."""
        since = self.now() - FAILS_FOR_S
        return tuple(sorted(name for name, at in self._failed_at.items() if at >= since))

    @contextmanager
    def survived(
        self,
        task: Task,
        about: str,
        passing: type[Exception] | tuple[type[Exception], ...] = (),
    ) -> Iterator[None]:
        """Run a round, and note the error that ends it. `passing` errors are the caller's."""
        name = f"{task} {about}"
        try:
            yield
        except passing:
            raise
        except Exception as error:
            if not self.survives:
                raise
            UNEXPECTED.labels(task).inc()
            self._note(name, error)
        else:
            self._failed_at.pop(name, None)
            self._told_at.pop(name, None)

    def _note(self, name: str, error: Exception) -> None:
        now = self._failed_at[name] = self.now()
        if name not in self._told_at or now - self._told_at[name] >= TELL_EVERY_S:
            self._told_at[name] = now
            log.error("round_failed", round=name, exc_info=error)
