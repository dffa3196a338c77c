"""What the survey found: the world as it is before planning."""

from __future__ import annotations

from typing import Literal, TypeAlias

from pydantic import AwareDatetime, Field

from commands.domain.database import DatabaseFacts
from commands.domain.fact import Fact, ImageDigest
from commands.domain.text import Text

__all__ = [
    "ContainerHealth",
    "Fact",
    "Facts",
    "ImageDigest",
    "KnownRelease",
    "LedgerLine",
    "PinFact",
    "Proven",
    "ReleaseImage",
    "RunningRelease",
    "ServiceFacts",
]

ContainerHealth: TypeAlias = Literal["", "starting", "healthy", "unhealthy"]


class RunningRelease(Fact):
    """What one service runs now. `image_id` and `repo_digests` all name the same image.

    `version` is the image's tag or version label; empty when neither is known. `health` is the
    container's own HEALTHCHECK; empty when it has none.
    """

    service: str
    container_id: str
    image_id: ImageDigest
    repo_digests: tuple[ImageDigest, ...] = ()
    reference: str = ""
    version: str = ""
    revision: str = ""
    state: str = "running"
    health: ContainerHealth = ""
    restart_count: int = 0
    started_at: AwareDatetime | None = None

    @property
    def digest(self) -> ImageDigest:
        """The digest that approvals and cards name."""
        return self.repo_digests[0] if self.repo_digests else self.image_id

    def runs(self, digest: ImageDigest) -> bool:
        """Whether this container runs the image of that digest."""
        return digest == self.image_id or digest in self.repo_digests


class ReleaseImage(Fact):
    """An image that a service could run: where it is and how it is named."""

    service: str
    repository: str
    version: str
    digest: ImageDigest
    image_id: ImageDigest = ""
    repo_digests: tuple[ImageDigest, ...] = ()
    in_registry: bool = False
    local: bool = False
    revision: str = ""
    size_bytes: int = 0
    created_at: AwareDatetime | None = None


class Proven(Fact):
    """The ledger's evidence that a release ran well.

    `requests` and `errors` are counts while it ran; None when nothing was measured.
    """

    since_at: AwareDatetime
    until_at: AwareDatetime
    requests: int | None = None
    errors: int | None = None


class KnownRelease(Fact):
    """One version of one service, merged from ledger, engine, registry and git tags."""

    service: str
    version: str
    digest: ImageDigest = ""
    sources: tuple[Literal["ledger", "local", "registry", "git"], ...] = ()
    proven: Proven | None = None
    known_bad_since: str = ""
    running: bool = False
    created_at: AwareDatetime | None = None


class PinFact(Fact):
    """How a service's version is pinned where Compose reads it, now."""

    service: str
    path: str
    variable: str = ""
    value: str = ""
    fingerprint: str = ""


class ServiceFacts(Fact):
    """Everything the planner must know of one service named in the request."""

    service: str
    running: RunningRelease | None
    target: ReleaseImage | None
    pin: PinFact | None = None
    releases: tuple[KnownRelease, ...] = ()
    commits_undone: tuple[str, ...] = ()


class Facts(Fact):
    """A survey's whole result. `registry_reached` False: only local images were considered.

    `database` None: the runbook names none, or (with `database_why`) it could not be asked.
    """

    environment: str
    services: tuple[ServiceFacts, ...]
    sharing_variable: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    config_fingerprint: str = ""
    registry_reached: bool = True
    disk_free_bytes: int | None = None
    database: DatabaseFacts | None = None
    database_why: Text | None = None
    surveyed_at: AwareDatetime

    def of(self, service: str) -> ServiceFacts:
        """The facts of one service. Raises KeyError if it was not surveyed."""
        for facts in self.services:
            if facts.service == service:
                return facts
        raise KeyError(service)


class LedgerLine(Fact):
    """What the environment's journal remembers of one release of one service.

    `rolled_back_by` is the rollback that left it behind ("" = never), e.g. `RB-17`.
    """

    service: str
    version: str
    digest: ImageDigest
    first_seen_at: AwareDatetime
    last_seen_at: AwareDatetime | None = None
    proven: Proven | None = None
    rolled_back_by: str = ""
