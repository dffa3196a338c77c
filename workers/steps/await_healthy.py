"""Wait until the switched services answer well, and notice early when they never will (H13)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from commands.domain.errors import CheckFailedError
from commands.domain.proof import ProofItem, Verdict
from commands.domain.runbook import ServiceDefinition
from commands.domain.text import text
from commands.planner.pins import compose_name
from workers.checks.health import Health, ask_health, health_of
from workers.steps.looking import Looking
from workers.steps.ports import Ports
from workers.steps.progress import Outcome

LOOK_EVERY_S = 0.5
RESTARTS_OF_A_LOOP = 3
DEAD = ("exited", "dead")


@dataclass(slots=True)
class _Watched:
    """One service while it is waited for. `dead` counts looks in a row that found it ended."""

    name: str
    service: ServiceDefinition
    answer: Health = field(default_factory=lambda: Health(None))
    looked_at: datetime | None = None
    first_restarts: int | None = None
    dead: int = 0
    runs: bool = False

    @property
    def well(self) -> bool:
        """Healthy as far as can be told; without URL and HEALTHCHECK, running must do."""
        return self.answer.good or (self.runs and not self.is_measured)

    @property
    def is_measured(self) -> bool:
        """Whether anything says how it is."""
        return bool(self.service.health_url or self.answer.why)


@dataclass(frozen=True, slots=True)
class AwaitHealthy(Looking):
    """Ask every service's health URL, side by side, until each has answered well once.

    Nothing asks before Compose has returned: touching a published port while its container
    starts costs about a second (measured). Without a URL the container's HEALTHCHECK is asked;
    without that the service has only to run, and its health stays unknown.
    """

    ports: Ports
    services: tuple[str, ...]

    def apply(self) -> Outcome:
        """Raises CheckFailedError: `check.unhealthy`, `check.crash_loop`, `check.exited`."""
        started_at = self.ports.clock.now()
        watched = [_Watched(name, self.ports.service(name)) for name in self.services]
        waiting = list(watched)
        while waiting := list(self._not_yet_well(waiting)):
            for one in waiting:
                self._refuse_late(one, started_at)
            self.ports.clock.sleep(self.ports.runbook.timing.health_poll_s)
        seconds = self._since(started_at)
        return Outcome(
            text("step.healthy", services=self.services, seconds=seconds),
            proof=tuple(_proof(one) for one in watched),
        )

    def _not_yet_well(self, waiting: list[_Watched]) -> Iterator[_Watched]:
        for one in waiting:
            url = one.service.health_url
            if url:
                one.answer = ask_health(self.ports.web, url)
            if not one.answer.good:
                self._look(one)
            if not one.well:
                yield one

    def _look(self, one: _Watched) -> None:
        """Now and then ask the engine too: a container that is gone will never answer."""
        if one.looked_at is not None and self._since(one.looked_at) < LOOK_EVERY_S:
            return
        one.looked_at = self.ports.clock.now()
        now = self.ports.containers.running(compose_name(one.name, one.service))
        state = now.state if now else "exited"
        restarts = now.restart_count if now else 0
        one.runs = state == "running"
        if not one.service.health_url:
            one.answer = health_of(now) or Health(None)
        if one.first_restarts is None:
            one.first_restarts = restarts
        if restarts - one.first_restarts >= RESTARTS_OF_A_LOOP:
            raise CheckFailedError("check.crash_loop", service=one.name, n=restarts)
        # Between an end and the restart that follows, an engine may show "exited" for a moment.
        one.dead = one.dead + 1 if state in DEAD else 0
        if one.dead > 1:
            raise CheckFailedError("check.exited", service=one.name)

    def _refuse_late(self, one: _Watched, started_at: datetime) -> None:
        limit_s = one.service.health_timeout_s
        if self._since(started_at) > limit_s:
            last = one.answer.found
            raise CheckFailedError("check.unhealthy", service=one.name, n=int(limit_s), last=last)

    def _since(self, at: datetime) -> float:
        return (self.ports.clock.now() - at).total_seconds()


def _proof(one: _Watched) -> ProofItem:
    return ProofItem(
        service=one.name,
        what="health",
        expected="HTTP 200" if one.service.health_url else "",
        found=one.answer.found,
        verdict=Verdict.OK if one.is_measured else Verdict.UNKNOWN,
    )
