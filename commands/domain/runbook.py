"""The runbook as data: what the customer's runbook.toml says, validated whole.

Everything here is frozen and pure; reading the file is `commands.runbook`.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from commands.domain.database_definition import Database, Maintenance, Migrations
from commands.domain.people import Identity, Language, PersonId, Platform, RoleId
from commands.domain.procedure import (
    Budgets,
    ChecklistPoint,
    FollowUp,
    Localised,
    Mentioned,
    Mentions,
    Model,
    Name,
    Seconds,
    Threshold,
    Timing,
)

__all__ = [
    "Budgets",
    "Channel",
    "ChecklistPoint",
    "Compose",
    "Database",
    "EnvironmentDefinition",
    "EscalationRow",
    "FollowUp",
    "Localised",
    "Maintenance",
    "Mentioned",
    "Mentions",
    "Migrations",
    "Model",
    "Name",
    "Own",
    "Person",
    "RoleDefinition",
    "RowId",
    "Runbook",
    "Seconds",
    "ServiceDefinition",
    "Threshold",
    "Timing",
]

RowId: TypeAlias = Literal["api", "db", "full", "config"]


class Channel(Model):
    """Where people of one environment talk. `topic` is Telegram's forum thread."""

    platform: Platform
    workspace: str = ""
    channel: str
    topic: str = ""


class Compose(Model):
    """How an environment's Compose project is driven.

    `generation`: `v1` is `docker-compose`, `v2` is `docker compose`, `embedded` the demo's engine.
    `pin`: `variable` writes the version variable of the service in `env_file`; `override` writes
    the image of just that service in `override_file` (hazard H7).
    """

    generation: Literal["v1", "v2", "embedded"] = "v2"
    project: str
    directory: str
    files: tuple[str, ...] = ("docker-compose.yml",)
    env_file: str = ".env"
    pin: Literal["variable", "override"] = "variable"
    override_file: str = "docker-compose.override.yml"
    engine_url: str = ""


class ServiceDefinition(Model):
    """One service of the Compose project.

    `image` is the repository without a tag. A `stateful` service is never recreated (H21).
    `version_path` names the field of the version answer's JSON object. `after` orders services:
    a service is switched when those are healthy; unordered ones are switched side by side.
    """

    title: str = ""
    image: str = ""
    compose_service: str = ""
    stateful: bool = False
    health_url: str = ""
    version_url: str = ""
    version_field: str = "version"
    metrics_url: str = ""
    version_variable: str = "APP_VERSION"
    health_timeout_s: Seconds = 60
    after: tuple[str, ...] = ()


class Own(Model):
    """A command of the customer's own, run as a check. `argv` is run without a shell."""

    title: Localised
    argv: tuple[str, ...] = Field(min_length=1)
    directory: str = ""
    timeout_s: Seconds = 60


class EnvironmentDefinition(Model):
    """One environment: a host with its Compose project, and the channels where people ask."""

    title: str
    channels: tuple[Channel, ...] = ()
    mentions: Mentions = Mentions()
    compose: Compose
    services: tuple[str, ...] = ()
    repository: str = ""
    database: Database | None = None
    smoke: tuple[Own, ...] = ()


class Person(Model):
    """A human. All accounts of one person fill one slot (fault case 14).

    `slack`: `TEAM:USER`; `telegram`: numeric user ids; `login`: OS login on the host.
    """

    name: str
    slack: tuple[Annotated[str, Field(pattern=r"^T[A-Z0-9]+:[UW][A-Z0-9]+$")], ...] = ()
    telegram: tuple[int, ...] = ()
    login: str = ""
    language: Language | None = None

    def identities(self) -> frozenset[Identity]:
        """Every account that counts as this person."""
        accounts = {
            Identity(platform="slack", workspace=s.split(":")[0], user=s.split(":")[1])
            for s in self.slack
        }
        accounts |= {Identity(platform="telegram", user=str(t)) for t in self.telegram}
        if self.login:
            accounts |= {
                Identity(platform="console", user=self.login),
                Identity(platform="shell", user=self.login),
            }
        return frozenset(accounts)


class RoleDefinition(Model):
    """A role of the escalation table and the people who hold it."""

    title: Localised
    members: tuple[PersonId, ...] = ()


class EscalationRow(Model):
    """One row of the escalation table: each role is a slot that one person fills.

    `sla_min` is the table's promise; `expires_min` is when an unanswered request dies, and must
    be longer. `sla_min = 0` reads "immediate".
    """

    title: Localised
    roles: tuple[RoleId, ...] = Field(min_length=1)
    sla_min: int = Field(ge=0)
    expires_min: float = Field(gt=0)
    self_approval: bool = False
    may_ask: tuple[RoleId, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _outlives_its_sla(self) -> Self:
        if self.expires_min <= self.sla_min:
            raise ValueError("expires_min must be longer than sla_min")
        if len(set(self.roles)) != len(self.roles):
            raise ValueError("roles must not repeat")
        return self


class Runbook(Model):
    """The whole runbook. `digest` is set by the reader: SHA-256 of the file's bytes, hex."""

    version: str
    timezone: str = "Europe/Moscow"
    language: Language = "ru"
    rota_url: str = ""
    dashboard_url: str = ""
    environments: dict[Name, EnvironmentDefinition] = Field(min_length=1)
    services: dict[Name, ServiceDefinition] = Field(min_length=1)
    people: dict[PersonId, Person] = Field(min_length=1)
    roles: dict[RoleId, RoleDefinition] = Field(min_length=1)
    escalation: dict[RowId, EscalationRow]
    budgets: Budgets = Budgets()
    timing: Timing = Timing()
    checklist: tuple[ChecklistPoint, ...] = ()
    follow_ups: tuple[FollowUp, ...] = ()
    thresholds: dict[Name, Threshold] = Field(default_factory=dict)
    digest: str = ""

    def person_of(self, identity: Identity) -> PersonId | None:
        """The person an account belongs to, or None: names are never compared."""
        for person_id, person in self.people.items():
            if identity in person.identities():
                return person_id
        return None

    def roles_of(self, person: PersonId) -> frozenset[RoleId]:
        """The roles a person holds today."""
        return frozenset(r for r, role in self.roles.items() if person in role.members)

    def holders(self, role: RoleId) -> tuple[PersonId, ...]:
        """The people who hold a role, in the runbook's order."""
        return self.roles[role].members if role in self.roles else ()

    def environment_of(self, channel: Channel) -> str | None:
        """The environment a channel is bound to; topics of one chat may differ."""
        for name, environment in self.environments.items():
            for bound in environment.channels:
                same = (bound.platform, bound.workspace, bound.channel) == (
                    channel.platform,
                    channel.workspace,
                    channel.channel,
                )
                if same and bound.topic in ("", channel.topic):
                    return name
        return None

    def service_names(self, environment: str) -> tuple[str, ...]:
        """The stateless services an environment rolls back, in the runbook's order."""
        listed = self.environments[environment].services or tuple(self.services)
        return tuple(s for s in listed if not self.services[s].stateful)

    def row(self, row: RowId) -> EscalationRow | None:
        """The escalation row, or None: no row means refused."""
        return self.escalation.get(row)

    def expiry(self, row: RowId) -> timedelta:
        """How long a request of this row waits for its approvers."""
        return timedelta(minutes=self.escalation[row].expires_min)
