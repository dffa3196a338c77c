"""The images of the Docker engine: what is here, and having one here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from docker.auth import get_config_header

from commands.domain.errors import ImageNotFoundError
from commands.domain.facts import ImageDigest, ReleaseImage
from commands.domain.image_reference import ImageReference
from workers.adapters.engine import Engine

VERSION_LABEL = "org.opencontainers.image.version"
REVISION_LABEL = "org.opencontainers.image.revision"


@dataclass(frozen=True, slots=True)
class Images:
    """Images by repository and tag (hazard H8: never by cutting at a colon)."""

    engine: Engine

    def of(self, repository: str) -> tuple[ReleaseImage, ...]:
        """The tagged images of a repository that are here, newest first."""
        with self.engine.calling(repository):
            found = self.engine.api.images(filters={"reference": repository})
        releases = [
            release
            for image in found
            for reference in image["RepoTags"] or ()
            if (release := _release(repository, reference, image)) is not None
        ]
        return tuple(sorted(releases, key=_age, reverse=True))

    def digests(self, image_id: ImageDigest, repository: str) -> tuple[ImageDigest, ...]:
        """The manifest digests of an image, those that this repository gave it first."""
        image = self._inspect(image_id)
        return digests_of(image["RepoDigests"] or (), repository) if image else ()

    def registry_digest(self, repository: str, tag: str) -> ImageDigest | None:
        """The manifest digest of a tag without pulling it; None if the tag is not there."""
        reference = ImageReference.parse(repository)
        if not reference.has_registry:
            return None
        name = reference.tagged(tag)
        try:
            with self.engine.asking_a_registry(name):
                found = self.engine.api.inspect_distribution(name)
        except ImageNotFoundError:
            return None
        return str(found["Descriptor"]["digest"])

    def pull(self, repository: str, tag: str, digest: ImageDigest, timeout_s: float) -> None:
        """Have the image here under `repository:tag`, by digest. Safe to repeat.

        An image that is here under another name or none (`digest` may be its id) is only tagged.
        """
        if self.has(repository, tag, digest):
            return
        reference = ImageReference.parse(repository)
        by_digest = reference.by_digest(digest)
        here = self._inspect(digest) or self._inspect(by_digest)
        if here is None:
            if not reference.has_registry:
                raise ImageNotFoundError(by_digest)
            with self.engine.calling(by_digest):
                host = reference.host or "docker.io"
                credentials = get_config_header(self.engine.api, host)
            self.engine.pull(repository, digest, credentials, timeout_s)
            here = self._inspect(by_digest)
        if here is None:
            raise ImageNotFoundError(by_digest)
        with self.engine.calling(reference.tagged(tag)):
            self.engine.api.tag(here["Id"], repository, tag, force=True)

    def has(self, repository: str, tag: str, digest: ImageDigest) -> bool:
        """Whether `repository:tag` is here and is that very digest."""
        image = self._inspect(ImageReference.parse(repository).tagged(tag))
        if image is None:
            return False
        return digest in (image["Id"], *digests_of(image["RepoDigests"] or (), repository))

    def remove(self, repository: str, tag: str) -> None:
        """Remove a local tag; an image in use or not there is left alone. Safe to repeat."""
        name = ImageReference.parse(repository).tagged(tag)
        image = self._inspect(name)
        if image is None or self._is_used(image["Id"]):
            return
        try:
            with self.engine.calling(name):
                self.engine.api.remove_image(name, force=False, noprune=False)
        except ImageNotFoundError:
            return

    def _is_used(self, image_id: ImageDigest) -> bool:
        """Whether any container is made of it; of its children's containers it is a part too."""
        with self.engine.calling(image_id):
            return bool(self.engine.api.containers(all=True, filters={"ancestor": image_id}))

    def _inspect(self, name: str) -> Mapping[str, Any] | None:
        try:
            with self.engine.calling(name):
                found: Mapping[str, Any] = self.engine.api.inspect_image(name)
        except ImageNotFoundError:
            return None
        return found


def digests_of(references: Iterable[str], repository: str) -> tuple[ImageDigest, ...]:
    """The `sha256:…` of `repository@sha256:…`, those of this repository first."""
    parsed = [ImageReference.parse(reference) for reference in references if "@" in reference]
    parsed.sort(key=lambda reference: reference.repository != repository)
    return tuple(dict.fromkeys(reference.digest for reference in parsed))


def _release(repository: str, reference: str, image: Mapping[str, Any]) -> ReleaseImage | None:
    if reference == "<none>:<none>":
        return None
    name = ImageReference.parse(reference)
    # The engine's filter is a pattern, and takes more than the one repository that was meant.
    if name.repository != repository:
        return None
    digests = digests_of(image["RepoDigests"] or (), repository)
    return ReleaseImage(
        service="",
        repository=repository,
        version=name.tag,
        digest=digests[0] if digests else image["Id"],
        image_id=image["Id"],
        repo_digests=digests,
        local=True,
        revision=(image["Labels"] or {}).get(REVISION_LABEL, ""),
        size_bytes=image["Size"],
        created_at=datetime.fromtimestamp(image["Created"], UTC),
    )


def _age(image: ReleaseImage) -> tuple[float, str]:
    return image.created_at.timestamp() if image.created_at else 0.0, image.version
