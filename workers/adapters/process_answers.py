"""What the demo's embedded engine answers, and how its images become ours."""

from __future__ import annotations

from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter

from commands.domain.facts import ImageDigest, ReleaseImage

VERSION_LABEL = "org.opencontainers.image.version"
REVISION_LABEL = "org.opencontainers.image.revision"


class Answer(BaseModel):
    """Frozen; what we do not ask for is left out."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Image(Answer):
    """One image; `id` is the engine's, `digest` the registry's."""

    id: str
    digest: str
    repo_tags: tuple[str, ...]
    repo_digests: tuple[str, ...]
    labels: dict[str, str]
    created_at: AwareDatetime
    size_bytes: int


class Container(Answer):
    """One container of a project."""

    id: str
    reference: str
    state: str
    restart_count: int
    started_at: AwareDatetime | None
    created_at: AwareDatetime
    image: Image
    environment: dict[str, str] = Field(default_factory=dict, repr=False)


class Outcome(Answer):
    """How a Compose command line ended."""

    exit_code: int
    output: str


class OneOff(Answer):
    """A program to be run in the folder of an image."""

    argv: tuple[str, ...]
    digest: str
    environment: dict[str, str]


class Info(Answer):
    """The engine; `images` is the folder that has one for each image with files."""

    version: str
    images: Path
    disk_free_bytes: int


CONTAINERS = TypeAdapter(tuple[Container, ...])
IMAGES = TypeAdapter(tuple[Image, ...])
TAGS = TypeAdapter(dict[str, Image])


def release(repository: str, tag: str, image: Image) -> ReleaseImage:
    """A local image as the port tells it."""
    return ReleaseImage(
        service="",
        repository=repository,
        version=tag,
        digest=image.digest,
        image_id=image.id,
        repo_digests=digests(image),
        local=True,
        revision=image.labels.get(REVISION_LABEL, ""),
        size_bytes=image.size_bytes,
        created_at=image.created_at,
    )


def age(image: ReleaseImage) -> tuple[float, str]:
    """Sort key: when it was made."""
    return image.created_at.timestamp() if image.created_at else 0.0, image.version


def digests(image: Image) -> tuple[ImageDigest, ...]:
    """The manifest digests of an image."""
    return tuple(reference.partition("@")[2] for reference in image.repo_digests)


def tag(reference: str) -> str:
    """The tag of `repository:tag`; a colon before the last slash is a registry's port (H8)."""
    return reference.partition("@")[0].rpartition("/")[2].partition(":")[2]
