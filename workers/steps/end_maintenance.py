"""Clean-up: users are not left before a page that nobody needs any more."""

from __future__ import annotations

from dataclasses import dataclass

from commands.domain.text import text
from commands.planner.pins import compose_name
from workers.checks.health import ask_health, health_of
from workers.steps import seen_page
from workers.steps.looking import Looking
from workers.steps.ports import Ports
from workers.steps.progress import Outcome


@dataclass(frozen=True, slots=True)
class EndMaintenance(Looking):
    """Where people ended the run, the page goes only if the services are well again.

    `is_ours`: this rollback put it up; another page is not touched, and told: users stand before
    it. Safe to repeat. Never fails for an ill service: the clean-up goes on, and the page stays
    with its reason told.
    """

    ports: Ports
    services: tuple[str, ...]
    is_ours: bool

    def apply(self) -> Outcome:
        """Raises ProxyError and EngineError."""
        if not self.ports.page.is_entered():
            return Outcome()
        if not self.is_ours:
            return Outcome(seen_page.not_ours(self.ports))
        ill = tuple(name for name in self.services if not self._is_well(name))
        if ill:
            file = seen_page.file(self.ports)
            return Outcome(text("db.maintenance_stays", services=ill, file=file))
        proof = seen_page.leave(self.ports)
        return Outcome(text("db.maintenance_off"), proof=(proof,))

    def _is_well(self, name: str) -> bool:
        """It runs, and answers well by its health URL, or else by its container's own check."""
        service = self.ports.service(name)
        now = self.ports.containers.running(compose_name(name, service))
        if now is None or now.state != "running":
            return False
        if service.health_url:
            return ask_health(self.ports.web, service.health_url).good
        health = health_of(now)
        return health is None or health.good
