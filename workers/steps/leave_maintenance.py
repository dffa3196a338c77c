"""Let users in again: only after the checks have passed."""

from __future__ import annotations

from dataclasses import dataclass

from commands.domain.errors import CheckFailedError
from commands.domain.proof import Verdict
from commands.domain.text import text
from workers.steps import seen_page
from workers.steps.ports import Ports
from workers.steps.progress import Before, Outcome, Progress


@dataclass(frozen=True, slots=True)
class LeaveMaintenance:
    """The page goes, and the public address answers like a service. Safe to repeat."""

    ports: Ports

    def capture(self) -> dict[str, str]:
        """Whether it is shown."""
        return seen_page.shown_before(self.ports)

    def probe(self, before: Before) -> Progress:  # noqa: ARG002 -- seen from outside
        """What users get is asked again: it is the proof."""
        entered = self.ports.page.is_entered()
        return Progress.UNTOUCHED if entered else Progress.PARTIAL

    def apply(self) -> Outcome:
        """Raises ProxyError, and CheckFailedError (`check.public_bad`) for what users get then."""
        proof = seen_page.leave(self.ports)
        if proof.verdict is Verdict.BAD:
            maintenance = self.ports.limits.maintenance
            url = maintenance.public_url if maintenance else ""
            raise CheckFailedError("check.public_bad", url=url, found=proof.found)
        return Outcome(text("db.maintenance_off"), proof=(proof,))

    def changed_since(self, before: Before) -> None:
        """A page is shown or not."""

    def revert(self, before: Before) -> None:
        """Show it again: what follows takes the services away once more."""
        if before.get(seen_page.ENTERED) == seen_page.YES:
            seen_page.enter(self.ports)
