"""What a card is rendered from, and how it says things."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from commands.domain.people import Language, PersonId, RoleId, Scenario
from commands.domain.runbook import EnvironmentDefinition, Runbook
from commands.domain.state import RollbackState
from commands.domain.text import Param, Text
from commands.locale import age, duration, grouped, say, size, when

REASON_SHOWN = 300
"""Characters of somebody's reason that a card shows; the journal has it whole."""

DIGEST_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Words:
    """Says things in one language, with the runbook's names and zone, at a moment."""

    runbook: Runbook
    language: Language
    now: datetime

    def say(self, key: str, /, **params: Param) -> str:
        """A message of the catalogue."""
        return say(Text(key=key, params=params), self.language)

    def tell(self, said: Text) -> str:
        """A message that came as data; the names in it are kept as they are."""
        return say(said, self.language)

    def at(self, moment: datetime | None) -> str:
        """A moment in the runbook's zone; "" for none."""
        if moment is None:
            return ""
        return when(moment, self.runbook.timezone, self.language, self.now)

    def clock(self, moment: datetime) -> str:
        """A moment to the second, in the runbook's zone, for lines that follow one another."""
        return f"{moment.astimezone(ZoneInfo(self.runbook.timezone)):%H:%M:%S}"

    def took(self, seconds: float) -> str:
        """A duration."""
        return duration(max(seconds, 0.0), self.language)

    def ago(self, moment: datetime) -> str:
        """How long ago, roughly."""
        return age(moment, self.now, self.language)

    def rows(self, number: int) -> str:
        """How many rows, large numbers in groups."""
        return grouped(number, self.language)

    def size(self, size_bytes: int) -> str:
        """A size as people read it."""
        return size(size_bytes, self.language)

    def name(self, person: PersonId | None) -> str:
        """A person's name."""
        known = self.runbook.people.get(person or "")
        return known.name if known else (person or "")

    def role(self, role: RoleId) -> str:
        """A role as people call it."""
        known = self.runbook.roles.get(role)
        return known.title.say(self.language) if known else role

    def holders(self, role: RoleId) -> str:
        """The names of those who hold a role."""
        return ", ".join(self.name(person) for person in self.runbook.holders(role))


@dataclass(frozen=True, slots=True)
class View:
    """A rollback's state as somebody reads it: in a language, at a moment."""

    state: RollbackState
    runbook: Runbook
    language: Language
    now: datetime

    @property
    def words(self) -> Words:
        """How this view says things."""
        return Words(self.runbook, self.language, self.now)

    @property
    def environment(self) -> EnvironmentDefinition:
        """The environment as the runbook has it."""
        return self.runbook.environments[self.state.request.environment]

    @property
    def target(self) -> str:
        """`api → v1.2.3`: what goes where."""
        request = self.state.request
        match request.scenario:
            case Scenario.DATABASE:
                return f"{request.subject} → {self._revision}"
            case Scenario.RESTORE:
                return f"{Scenario.DATABASE.value} → {self._backup}"
            case _:
                moved = f"{request.subject} → {self.version or self.words.say('card.auto')}"
                return f"{moved} + {self._backup}" if request.restore_db else moved

    @property
    def _revision(self) -> str:
        """Where the schema goes: as planned, before that as asked."""
        plan = self.state.plan
        change = plan.schema_change if plan else None
        return ", ".join(change.after if change else ()) or self.state.request.revision or "?"

    @property
    def _backup(self) -> str:
        """Which backup, as short as a title wants it."""
        plan = self.state.plan
        if plan is not None and plan.backup is not None:
            return self.words.say("db.backup_of", at=self.words.at(plan.backup.taken_at))
        named = self.state.request.backup
        return self.words.say("db.backup_named" if named else "db.backup_latest", name=named)

    @property
    def version(self) -> str:
        """What was asked for, or what the plan found; empty before there is a plan."""
        plan = self.state.plan
        versions = dict.fromkeys(t.version for t in plan.targets) if plan else {}
        return self.state.request.version or ", ".join(versions)

    @property
    def title(self) -> str:
        """`PRODUCTION · RB-17 · api → v1.2.3`: how every card begins."""
        return f"{self.environment.title} · {self.state.id} · {self.target}"


def trimmed(said: str, longest: int = REASON_SHOWN) -> str:
    """Somebody's words, cut to what a card shows."""
    flat = " ".join(said.split())
    return flat if len(flat) <= longest else flat[: longest - 1].rstrip() + "…"


def first_line(said: str) -> str:
    """What happened, without the tail of output that may follow."""
    return said.strip().partition("\n")[0]


__all__ = ["View", "Words", "first_line", "trimmed"]
