"""The observer's record: what runs and how it is, latest only, read with its age."""

from __future__ import annotations

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from commands.domain.database import BackupRecord, RevisionId, ScriptGraph
from commands.domain.facts import KnownRelease, RunningRelease
from commands.domain.proof import Verdict
from commands.domain.text import Text


class ObservedService(BaseModel):
    """One service as the observer last saw it.

    `health` is of the last probe; `since_at` is since when it has been so without a break.
    `probes` and `failures` count the probes of the last watch window.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    service: str
    running: RunningRelease | None = None
    health: Verdict = Verdict.UNKNOWN
    why: str = ""
    since_at: AwareDatetime | None = None
    probes: int = 0
    failures: int = 0


class JournalMark(BaseModel):
    """How far a journal had come when it was seen: its last entry's position and hash."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    n: int = Field(ge=1)
    h: str


class Remembered(BaseModel):
    """What the worker's host knows of its journals by itself, Redis being empty or put back.

    `environment` marks the environment's journal, None before anything was seen. `untrusted` says
    of each journal that is shorter than, or differs from, what this host saw, why.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    environment: JournalMark | None = None
    untrusted: tuple[Text, ...] = ()


class ObservedDatabase(BaseModel):
    """What the observer last read of the environment's database and its backup folder.

    `revisions` are those in the database; `graph` the scripts of the running image, None when it
    could not be asked. `backups` are the folder's, newest first. `why`: the server did not answer.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: AwareDatetime
    name: str
    revisions: tuple[RevisionId, ...] = ()
    graph: ScriptGraph | None = None
    backups: tuple[BackupRecord, ...] = ()
    why: Text | None = None


class ObservedRecord(BaseModel):
    """Everything the observer knows of one environment.

    `engine_error` says that the container engine did not answer; then nothing else is fresh.
    `releases` are what each service could go back to, newest first. `remembered` reaches the bot
    when no journal can. `database` None: the runbook names none, or it was not looked at yet.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: AwareDatetime
    services: tuple[ObservedService, ...] = ()
    releases: dict[str, tuple[KnownRelease, ...]] = Field(default_factory=dict)
    engine_error: Text | None = None
    remembered: Remembered = Remembered()
    database: ObservedDatabase | None = None

    def of(self, service: str) -> ObservedService | None:
        """One service; None if it is not watched."""
        return next((s for s in self.services if s.service == service), None)
