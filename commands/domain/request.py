"""What a person asked for, after the words were read."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from commands.domain.people import Scenario
from commands.domain.runbook import RowId

VERSION_PATTERN = r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$"
REVISION_PATTERN = r"^(-[1-9][0-9]?|[A-Za-z0-9_][A-Za-z0-9_.]{0,63})$"
BACKUP_PATTERN = r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,199}$"

ROWS: dict[Scenario, RowId] = {
    Scenario.SERVICE: "api",
    Scenario.ALL: "full",
    Scenario.FULL: "full",
    Scenario.DATABASE: "db",
    Scenario.RESTORE: "db",
    Scenario.CONFIG: "config",
}


class Request(BaseModel):
    """One rollback asked for. Services are names of the runbook, in its order.

    Exactly one of `version` and `auto` says where to: `auto` is the newest proven release. For a
    database (`DATABASE`, `RESTORE`) `services` are those that use it, and `version` what they
    run afterwards (`--with`); None there means: what fits. `revision` is `-1` or an id.
    `backup` names what to restore ("" = the newest proven one from before the faulty deploy).
    `words` is what was typed, for the audit; `reason` is whole here and trimmed on cards.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    environment: str
    scenario: Scenario
    services: tuple[str, ...] = Field(min_length=1)
    version: str | None = Field(default=None, pattern=VERSION_PATTERN)
    auto: bool = False
    revision: str | None = Field(default=None, pattern=REVISION_PATTERN)
    backup: str = Field(default="", pattern=f"^$|{BACKUP_PATTERN}")
    restore_db: bool = False
    dry_run: bool = False
    reason: str = ""
    words: str = ""

    @property
    def row(self) -> RowId:
        """The escalation row that approves this: `all` and `full` need the full row."""
        return ROWS[self.scenario]

    @property
    def changes_database(self) -> bool:
        """Whether the database is downgraded or restored."""
        return self.scenario in (Scenario.DATABASE, Scenario.RESTORE) or self.restore_db

    @property
    def subject(self) -> str:
        """`api`, `api, worker`, `all` or `full`: what the cards call it."""
        if self.scenario is Scenario.SERVICE:
            return ", ".join(self.services)
        return self.scenario.value

    def same_target(self, other: Request) -> bool:
        """Whether two requests want the same end: then the second joins the first."""
        return self._target() == other._target()

    def _target(self) -> tuple[object, ...]:
        said = ("reason", "words")
        return tuple(getattr(self, name) for name in type(self).model_fields if name not in said)
