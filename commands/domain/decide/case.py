"""What a decision is made on, and what it says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from commands.domain.errors import RefusedError
from commands.domain.events import EnvironmentEvent, RollbackEvent
from commands.domain.people import PersonId, RoleId
from commands.domain.runbook import EscalationRow, RowId, Runbook
from commands.domain.state import EnvironmentState, RollbackState
from commands.domain.text import Text, text

DONE = text("answer.done")


@dataclass(frozen=True, slots=True)
class Case:
    """The environment, and the rollback that the command names (None for a new one)."""

    environment: EnvironmentState
    rollback: RollbackState | None = None

    def named(self) -> RollbackState:
        """The rollback the command is about. Raises RefusedError if there is none."""
        if self.rollback is None:
            raise RefusedError("refused.no_such_rollback")
        return self.rollback


@dataclass(frozen=True, slots=True)
class Decision:
    """Events for both journals, appended at once, and what the person is told.

    `rollback_id` names the rollback's journal. `work` is True when a worker has something to do.
    """

    rollback_id: str = ""
    environment: tuple[EnvironmentEvent, ...] = ()
    rollback: tuple[RollbackEvent, ...] = ()
    answer: Text = DONE
    work: bool = False

    @property
    def empty(self) -> bool:
        """Nothing happened."""
        return not self.environment and not self.rollback


def row_of(runbook: Runbook, row: RowId) -> EscalationRow:
    """The escalation row. Raises RefusedError: no row means refused."""
    found = runbook.row(row)
    if found is None:
        raise RefusedError("refused.no_row", row=row)
    return found


def roles_in(runbook: Runbook, person: PersonId, roles: tuple[RoleId, ...]) -> tuple[RoleId, ...]:
    """Which of these roles the person holds today, in the row's order."""
    held = runbook.roles_of(person)
    return tuple(role for role in roles if role in held)


def role_titles(runbook: Runbook, roles: tuple[RoleId, ...]) -> tuple[str, ...]:
    """The roles as people call them, in the runbook's language."""
    return tuple(
        runbook.roles[r].title.say(runbook.language) if r in runbook.roles else r for r in roles
    )


def name_of(runbook: Runbook, person: PersonId) -> str:
    """A person's name; their id if the runbook has forgotten them."""
    return runbook.people[person].name if person in runbook.people else person


def clock_time(at: datetime, runbook: Runbook) -> str:
    """The time of day in the runbook's zone, labelled: `03:12 MSK`."""
    return at.astimezone(ZoneInfo(runbook.timezone)).strftime("%H:%M %Z")
