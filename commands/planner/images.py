"""Which image a version means: the registry's word, the one here, or the one that was proven."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from commands.domain.facts import ImageDigest, KnownRelease, ReleaseImage
from commands.planner.releases import LONG_AGO


@dataclass(frozen=True, slots=True)
class Images:
    """What is known of one service's images. `registry` is the digest of the wanted tag there."""

    service: str
    repository: str
    local: tuple[ReleaseImage, ...]
    registry: ImageDigest | None = None

    def named(self, version: str) -> ReleaseImage | None:
        """The registry's image of that tag if it has one (as `pull` would), else the one here."""
        if self.registry is not None:
            return self._release(version, self.registry, self._here(self.registry))
        here = next((image for image in self.local if image.version == version), None)
        return self._release(version, here.digest, here) if here else None

    def proven(self, version: str, digest: ImageDigest) -> ReleaseImage | None:
        """That very image, under whatever tag it is here.

        A tag that was pushed anew names something that nobody has seen run (H9): None.
        """
        here = self._here(digest)
        if here is not None:
            return self._release(version, here.digest, here)
        return self._release(version, digest, None) if self.registry == digest else None

    def _here(self, digest: ImageDigest) -> ReleaseImage | None:
        return next((image for image in self.local if _is(image, digest)), None)

    def _release(
        self, version: str, digest: ImageDigest, here: ReleaseImage | None
    ) -> ReleaseImage:
        found = {
            "service": self.service,
            "repository": self.repository,
            "version": version,
            "digest": digest,
            "in_registry": self.registry == digest,
            "local": here is not None,
        }
        if here is not None:
            return here.model_copy(update=found)
        return ReleaseImage.model_validate(found)


def proven_digest(known: Iterable[KnownRelease], version: str) -> ImageDigest | None:
    """The digest that was proven under this version; the latest, if there were several."""
    found: ImageDigest | None = None
    latest_at = LONG_AGO
    for release in known:
        proven = release.proven
        is_good = proven is not None and not release.known_bad_since
        if proven and is_good and release.version == version and proven.until_at > latest_at:
            found, latest_at = release.digest, proven.until_at
    return found


def _is(image: ReleaseImage, digest: ImageDigest) -> bool:
    return digest in (image.digest, image.image_id, *image.repo_digests)
