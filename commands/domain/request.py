"""What a person asked for, after the words were read."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from commands.domain.people import Scenario
from commands.domain.runbook import RowId

VERSION_PATTERN = r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$"


class Request(BaseModel):
    """One rollback asked for. Services are names of the runbook, in its order.

    Exactly one of `version` and `auto` says where to: `auto` is the newest proven release.
    `words` is what was typed, for the audit; `reason` is whole here and trimmed on cards.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    environment: str
    scenario: Scenario
    services: tuple[str, ...] = Field(min_length=1)
    version: str | None = Field(default=None, pattern=VERSION_PATTERN)
    auto: bool = False
    dry_run: bool = False
    reason: str = ""
    words: str = ""

    @property
    def row(self) -> RowId:
        """The escalation row that approves this: `all` and `full` need the full row."""
        return "full" if self.scenario in (Scenario.FULL, Scenario.ALL) else "api"

    @property
    def subject(self) -> str:
        """`api`, `api, worker`, `all` or `full`: what the cards call it."""
        if self.scenario is Scenario.SERVICE:
            return ", ".join(self.services)
        return self.scenario.value

    def same_target(self, other: Request) -> bool:
        """Whether two requests want the same end: then the second joins the first."""
        return (
            self.environment,
            self.scenario,
            self.services,
            self.version,
            self.auto,
            self.dry_run,
        ) == (
            other.environment,
            other.scenario,
            other.services,
            other.version,
            other.auto,
            other.dry_run,
        )
