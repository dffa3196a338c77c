"""The maintenance page as users see it: what was written to the proxy is never believed."""

from __future__ import annotations

from datetime import datetime

from commands.database_ports import ProxySeen
from commands.domain.errors import ProxyError
from commands.domain.proof import ProofItem, Verdict
from commands.domain.text import Text, text
from workers.checks.health import HTTP_GOOD
from workers.steps.ports import Ports

LOOK_EVERY_S = 0.2
SERVER_ERROR = 500
ENTERED, YES, NO = "entered", "yes", "no"


def shown_before(ports: Ports) -> dict[str, str]:
    """Whether the page was shown before, for a step's capture."""
    return {ENTERED: YES if ports.page.is_entered() else NO}


def enter(ports: Ports) -> ProofItem:
    """Show the page, and see it from outside. Safe to repeat. Raises ProxyError."""
    ports.page.enter(ports.rollback_id)
    seen = _await(ports, page=True)
    if not seen.page:
        raise ProxyError(_name(ports), f"HTTP {seen.status}")
    return _proof(ports, "503", seen, Verdict.OK)


def leave(ports: Ports) -> ProofItem:
    """Take the page away, and see that it is gone. Safe to repeat. Raises ProxyError.

    The proof is bad when users then get an error of the server's own, or nothing.
    """
    ports.page.leave()
    seen = _await(ports, page=False)
    if seen.page:
        raise ProxyError(_name(ports), f"HTTP {seen.status}")
    verdict = Verdict.OK if is_served(seen) else Verdict.BAD
    return _proof(ports, "< 500", seen, verdict)


def await_service(ports: Ports) -> None:
    """Wait a while, behind the page, until the health path answers well.

    After an undo the services are only just starting; and what ran before may well have been ill,
    so that nothing is refused here.
    """
    began = ports.clock.now()
    while _since(ports, began) < _patience_s(ports):
        if ports.page.seen().health_status in HTTP_GOOD:
            return
        ports.clock.sleep(LOOK_EVERY_S)


def not_ours(ports: Ports) -> Text:
    """It was shown before this rollback began, so that it stays: users must not be forgotten."""
    return text("db.maintenance_not_ours", file=file(ports))


def file(ports: Ports) -> str:
    """What people empty to take it away by hand."""
    maintenance = ports.limits.maintenance
    return maintenance.file if maintenance else ""


def is_served(seen: ProxySeen) -> bool:
    """Whether users get an answer that is not an error of the server's."""
    return 0 < seen.status < SERVER_ERROR


def _await(ports: Ports, *, page: bool) -> ProxySeen:
    """What is seen once it is as wished, or at the end of the patience."""
    began = ports.clock.now()
    while True:
        seen = ports.page.seen()
        as_wished = seen.page if page else not seen.page and is_served(seen)
        if as_wished or _since(ports, began) >= _patience_s(ports):
            return seen
        ports.clock.sleep(LOOK_EVERY_S)


def _since(ports: Ports, at: datetime) -> float:
    return (ports.clock.now() - at).total_seconds()


def _patience_s(ports: Ports) -> float:
    maintenance = ports.limits.maintenance
    return maintenance.seen_within_s if maintenance else 0.0


def _name(ports: Ports) -> str:
    maintenance = ports.limits.maintenance
    return maintenance.proxy if maintenance else ""


def _proof(ports: Ports, expected: str, seen: ProxySeen, verdict: Verdict) -> ProofItem:
    return ProofItem(
        service=_name(ports),
        what="maintenance",
        expected=expected,
        found=f"HTTP {seen.status}",
        verdict=verdict,
    )
