"""Tell users that it takes a while, before anything is taken from them."""

from __future__ import annotations

from dataclasses import dataclass

from commands.domain.text import Text, text
from workers.steps import seen_page
from workers.steps.ports import Ports
from workers.steps.progress import Before, Outcome, Progress


@dataclass(frozen=True, slots=True)
class EnterMaintenance:
    """The proxy answers 503 with a page, the health path excepted. Safe to repeat.

    A page that somebody had put up before stays with an undo: it is theirs to take away.
    """

    ports: Ports

    def capture(self) -> dict[str, str]:
        """Whether it was shown before."""
        return seen_page.shown_before(self.ports)

    def probe(self, before: Before) -> Progress:  # noqa: ARG002 -- seen from outside
        """Written but not seen yet is half."""
        if not self.ports.page.is_entered():
            return Progress.UNTOUCHED
        return Progress.DONE if self.ports.page.seen().page else Progress.PARTIAL

    def apply(self) -> Outcome:
        """Raises ProxyError when it cannot be written, or is not seen in time."""
        proof = seen_page.enter(self.ports)
        return Outcome(text("db.maintenance_on"), proof=(proof,))

    def changed_since(self, before: Before) -> None:
        """A page is shown or not; who else wrote it does not matter to users."""

    def revert(self, before: Before) -> Text | None:
        """Take it away once the services answer; one that was there before stays, and is told."""
        if before.get(seen_page.ENTERED) == seen_page.YES:
            return seen_page.not_ours(self.ports) if self.ports.page.is_entered() else None
        seen_page.await_service(self.ports)
        seen_page.leave(self.ports)
        return None
