"""What the survey found of a database: revisions, migration scripts, losses, backups, sessions."""

from __future__ import annotations

from typing import Literal, TypeAlias

from pydantic import AwareDatetime, Field

from commands.domain import naming
from commands.domain.fact import Fact, ImageDigest

RevisionId: TypeAlias = str


class Revision(Fact):
    """One migration script, as its file says.

    `down` are its predecessors (several for a merge, none for a root); `depends` those of other
    branches that must be there before it; `labels` name its branch. `irreversible`: its
    downgrade raises; `empty`: its downgrade does nothing; `autocommit`: part of it cannot be
    rolled back; `reads`: it asks the database, so that it cannot be turned into SQL.
    """

    id: RevisionId
    down: tuple[RevisionId, ...] = ()
    depends: tuple[RevisionId, ...] = ()
    labels: tuple[str, ...] = ()
    title: str = ""
    irreversible: bool = False
    empty: bool = False
    autocommit: bool = False
    reads: bool = False


class ScriptGraph(Fact):
    """The migration scripts of one image. `missing`: (revision, the absent one it names).

    `repeated` are ids that two files claim; `circular` revisions that follow themselves.
    `why`: the scripts could not be read; then nothing else is known.
    """

    service: str
    version: str
    digest: ImageDigest
    revisions: tuple[Revision, ...] = ()
    heads: tuple[RevisionId, ...] = ()
    roots: tuple[RevisionId, ...] = ()
    missing: tuple[tuple[RevisionId, RevisionId], ...] = ()
    repeated: tuple[RevisionId, ...] = ()
    circular: tuple[RevisionId, ...] = ()
    why: str = ""

    def knows(self, revision: RevisionId) -> bool:
        """Whether the image has that script."""
        return any(one.id == revision for one in self.revisions)


class Loss(Fact):
    """One thing that a downgrade destroys: `column` `projects.description`, `table` `tags`.

    `rows` hold data there (None = could not be counted); `estimated`: by the server's statistics.
    """

    what: Literal["table", "column", "index", "type", "constraint", "sequence", "view", "rows"]
    name: str
    rows: int | None = None
    size_bytes: int | None = None
    estimated: bool = False


class BackupRecord(Fact):
    """One backup in the folder, with the note beside it. `proven_at` None: nobody restored it.

    `name` is the file's name; `by` a rollback's id, `pre-deploy` or `hand`. `counts` are rows per
    table at its snapshot; `versions` what ran then. `why` says why a proof failed. `tables`: it
    holds these alone, and is no backup of the database.
    """

    name: str
    database: str
    taken_at: AwareDatetime
    revisions: tuple[RevisionId, ...] = ()
    size_bytes: int = 0
    sha256: str = ""
    by: str = ""
    server_version: int = 0
    counts: dict[str, int] = Field(default_factory=dict)
    versions: dict[str, str] = Field(default_factory=dict)
    tables: tuple[str, ...] = ()
    seconds: float = 0.0
    proven_at: AwareDatetime | None = None
    prove_seconds: float | None = None
    why: str = ""

    @property
    def is_kept(self) -> bool:
        """Whether a rollback kept it of what it destroyed: no age lets it go."""
        return bool(self.tables) or self.by.endswith(naming.KEPT_DUMP)


class Session(Fact):
    """One session on the server: who, since when, whether it holds others up. Never its query."""

    pid: int
    user: str = ""
    application: str = ""
    client: str = ""
    state: str = ""
    transaction_s: float | None = None
    holds_up: tuple[int, ...] = ()
    relations: tuple[str, ...] = ()


class Tie(Fact):
    """What keeps a whole database from being copied, renamed or dropped, or is harmed by it.

    A logical replication slot of it and a subscription in it belong to the database, whatever it
    is called; a `sender` is a replication session on it, a `prepared` transaction outlives its
    session, a background `worker` comes back when it is ended. `age_s`: of a prepared one.
    """

    what: Literal["prepared", "subscription", "slot", "sender", "worker"]
    name: str
    age_s: float | None = None


class Fit(Fact):
    """Whether a version of a service can work on a revision.

    `knows`: its scripts have the revision. `at_head`: it is the newest that they know; otherwise
    the code expects a newer schema. None: could not be asked. `heads` are its newest.
    """

    service: str
    version: str
    knows: bool | None = None
    at_head: bool | None = None
    heads: tuple[RevisionId, ...] = ()


class DatabaseFacts(Fact):
    """A survey's view of the environment's database.

    `graph`: of the image that runs now (the newer one). `target` are the revisions after the
    downgrade ("" never stands in it); `path` the scripts that it would run, newest first.
    `losses` are of that path; `losses_why`: why they could not be worked out. `fits`: versions
    of the migrations' service against `target` (or the current revision for a service rollback).
    `written_since`: rows per table now minus then, for the backup of a restore. Versions are
    server_version_num's (150014); None: no such program. `faulty_since_at`: when the
    `faulty_version` of the migrations' service was first seen: what runs now, or, where a rollback
    has returned to it already, the release that was left behind. `is_lean`: only what a service
    rollback needs was asked; sizes, versions, sessions and backups say nothing then.
    `scratch_apart`: proofs and rehearsals have a server of their own. `server_free_bytes` counts
    this rollback's own copies as room, so that it is the same before and after.
    """

    database: str
    server_version: int
    client_version: int | None
    revisions: tuple[RevisionId, ...] = ()
    graph: ScriptGraph | None = None
    target: tuple[RevisionId, ...] = ()
    path: tuple[Revision, ...] = ()
    losses: tuple[Loss, ...] = ()
    losses_why: str = ""
    fits: tuple[Fit, ...] = ()
    size_bytes: int = 0
    server_free_bytes: int | None = None
    backup_free_bytes: int | None = None
    sessions: tuple[Session, ...] = ()
    ties: tuple[Tie, ...] = ()
    backups: tuple[BackupRecord, ...] = ()
    written_since: dict[str, int] = Field(default_factory=dict)
    maintenance: bool | None = None
    faulty_version: str = ""
    faulty_since_at: AwareDatetime | None = None
    is_lean: bool = False
    scratch_apart: bool = False

    def fit(self, version: str) -> Fit | None:
        """What is known of one version; None if it was not asked."""
        return next((fit for fit in self.fits if fit.version == version), None)

    def backup(self, name: str) -> BackupRecord | None:
        """The backup of that name."""
        return next((one for one in self.backups if one.name == name), None)
