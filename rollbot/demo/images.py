"""The embedded engine's images: what they are, where they are kept, what their tags name."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

VERSION_LABEL = "org.opencontainers.image.version"
REVISION_LABEL = "org.opencontainers.image.revision"


class Record(BaseModel):
    """What the engine keeps on disk or hands out."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Reference(NamedTuple):
    """`repository[:tag][@digest]`, taken apart as the OCI distribution spec reads it."""

    repository: str
    tag: str | None
    digest: str | None

    @classmethod
    def parse(cls, text: str) -> Reference:
        """A colon before the last slash belongs to a registry's port, not to a tag."""
        name, _, digest = text.partition("@")
        head, slash, last = name.rpartition("/")
        last, _, tag = last.partition(":")
        if not tag and not digest:
            tag = "latest"
        return cls(head + slash + last, tag or None, digest or None)

    @property
    def tagged(self) -> str:
        """`repository:tag`."""
        return f"{self.repository}:{self.tag}"


class Image(Record):
    """One immutable image; its id and digest follow from its content."""

    repository: str
    version: str
    revision: str
    created_at: datetime

    @property
    def id(self) -> str:
        """`sha256:` over the configuration, what Docker calls the image id."""
        return _sha256(self.model_dump(mode="json"))

    @property
    def digest(self) -> str:
        """`sha256:` over the manifest, what a registry calls the digest; not the image id."""
        return _sha256({"schemaVersion": 2, "config": {"digest": self.id}})

    @property
    def labels(self) -> dict[str, str]:
        """The image's OCI annotations (image-spec 1.1, annotations.md)."""
        return {VERSION_LABEL: self.version, REVISION_LABEL: self.revision}


class Shelf(Record):
    """Images and the references that name them: the registry is one, the local store another.

    Changing methods answer a new shelf, so that what is on disk is always a whole one.
    """

    images: dict[str, Image] = Field(default_factory=dict)
    tags: dict[str, str] = Field(default_factory=dict)

    def find(self, text: str) -> Image | None:
        """The image that an image id, a `repository:tag` or a `repository@digest` names now."""
        if text in self.images:
            return self.images[text]
        reference = Reference.parse(text)
        if reference.digest is None:
            return self.images.get(self.tags.get(reference.tagged, ""))
        return next(
            (i for i in self.of(reference.repository) if i.digest == reference.digest), None
        )

    def of(self, repository: str) -> Iterator[Image]:
        """Every image of one repository, in no promised order."""
        return (i for i in self.images.values() if i.repository == repository)

    def tags_of(self, repository: str) -> dict[str, Image]:
        """Tag → image, of one repository."""
        parsed = ((Reference.parse(text), image_id) for text, image_id in self.tags.items())
        return {r.tag or "": self.images[i] for r, i in parsed if r.repository == repository}

    def references_to(self, image: Image) -> list[str]:
        """The `repository:tag` references that name this image, sorted."""
        return sorted(text for text, image_id in self.tags.items() if image_id == image.id)

    def put(self, image: Image, tag: str | None) -> Shelf:
        """With this image, and with this tag moved to it."""
        tags = {**self.tags, f"{image.repository}:{tag}": image.id} if tag else self.tags
        return Shelf(images={**self.images, image.id: image}, tags=tags)

    def without_tag(self, reference: str) -> Shelf:
        """Without this tag; without its image, too, when that was its last one."""
        image = self.images[self.tags[reference]]
        if self.references_to(image) == [reference]:
            return self.without(image)
        return Shelf(
            images=self.images, tags={t: i for t, i in self.tags.items() if t != reference}
        )

    def without(self, image: Image) -> Shelf:
        """Without this image and all its tags."""
        tags = {text: i for text, i in self.tags.items() if i != image.id}
        return Shelf(images={k: v for k, v in self.images.items() if k != image.id}, tags=tags)


def _sha256(content: dict[str, Any]) -> str:
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()
