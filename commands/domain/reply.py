"""What a person is answered, as data: the bot's cards turn it into words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from commands.domain.conversation import Suggestions
from commands.domain.database import BackupRecord
from commands.domain.events import AnyEvent
from commands.domain.facts import KnownRelease
from commands.domain.observed import ObservedDatabase, ObservedRecord
from commands.domain.state import EnvironmentState, RollbackState
from commands.domain.text import Text


@dataclass(frozen=True, slots=True)
class Said:
    """One sentence. `bad` when it is a refusal or an error."""

    text: Text
    bad: bool = False


@dataclass(frozen=True, slots=True)
class RollbackReply:
    """A rollback as it stands: its live card, privately. `whole_plan` shows every step."""

    state: RollbackState
    whole_plan: bool = False


@dataclass(frozen=True, slots=True)
class StatusReply:
    """The environment: slot, freeze, open rollbacks, what runs. `observed` None: no observer."""

    environment: EnvironmentState
    open: tuple[RollbackState, ...]
    observed: ObservedRecord | None
    age: timedelta | None
    workers: int


@dataclass(frozen=True, slots=True)
class LogReply:
    """The journal of one rollback: time and event, oldest first."""

    state: RollbackState
    entries: tuple[tuple[datetime, AnyEvent], ...]


@dataclass(frozen=True, slots=True)
class VersionsReply:
    """What a service could go back to, newest first, as of `age` ago."""

    service: str
    releases: tuple[KnownRelease, ...]
    age: timedelta | None


@dataclass(frozen=True, slots=True)
class SchemaReply:
    """The database's migrations as of `age` ago; `database` None: the observer saw none."""

    environment: str
    name: str
    database: ObservedDatabase | None
    age: timedelta | None


@dataclass(frozen=True, slots=True)
class BackupsReply:
    """The database's backups, newest first, as of `age` ago; None: the observer saw none."""

    environment: str
    name: str
    backups: tuple[BackupRecord, ...] | None
    age: timedelta | None


@dataclass(frozen=True, slots=True)
class HistoryReply:
    """The newest rollbacks of the environment, newest first."""

    rollbacks: tuple[RollbackState, ...]


@dataclass(frozen=True, slots=True)
class HelpReply:
    """Help on one topic; "" is the overview."""

    topic: str


@dataclass(frozen=True, slots=True)
class OncallReply:
    """The rota's address, and who holds which role."""


@dataclass(frozen=True, slots=True)
class MenuReply:
    """What a form or menu offers."""

    suggestions: Suggestions


Reply: TypeAlias = (
    Said
    | RollbackReply
    | StatusReply
    | LogReply
    | VersionsReply
    | SchemaReply
    | BackupsReply
    | HistoryReply
    | HelpReply
    | OncallReply
    | MenuReply
)
