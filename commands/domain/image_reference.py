"""Image references, read the way Docker reads them (hazard H8).

Source: distribution/reference of Docker 28: `[host[:port]/]path[:tag][@digest]`. The first
component is a host only if it has a dot, a colon, is `localhost`, or has a capital letter.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_HOST = re.compile(r"(?:[A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?")
_COMPONENT = r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*"
_PATH = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class ImageReference:
    """One reference in its parts; what is not there is "".

    A bare image id (`sha256:…`) has only a digest.
    """

    host: str
    path: str
    tag: str = ""
    digest: str = ""

    @classmethod
    def parse(cls, reference: str) -> ImageReference:
        """Read a reference. Raises ValueError if Docker would refuse it."""
        if _DIGEST.fullmatch(reference):
            return cls("", "", "", reference)
        rest, at, digest = reference.partition("@")
        first, slash, path = rest.partition("/")
        host = first if slash and _names_a_host(first) else ""
        path, colon, tag = (path if host else rest).partition(":")
        well_formed = (
            (not host or _HOST.fullmatch(host))
            and _PATH.fullmatch(path)
            and (not colon or _TAG.fullmatch(tag))
            and (not at or _DIGEST.fullmatch(digest))
        )
        if not well_formed:
            raise ValueError(f"not an image reference: {reference!r}")
        return cls(host, path, tag, digest)

    @property
    def repository(self) -> str:
        """Host and path, as the runbook's `image` says it."""
        return f"{self.host}/{self.path}" if self.host else self.path

    @property
    def has_registry(self) -> bool:
        """Whether a registry can be asked for it.

        A name of one component without a host (`samokoder-api`) was built on the spot: on
        Docker Hub such names are the official images only, and none of these is rolled back.
        """
        return bool(self.host) or "/" in self.path

    def tagged(self, tag: str) -> str:
        """`repository:tag`."""
        return f"{self.repository}:{tag}"

    def by_digest(self, digest: str) -> str:
        """`repository@digest`."""
        return f"{self.repository}@{digest}"


def _names_a_host(first: str) -> bool:
    return "." in first or ":" in first or first == "localhost" or first != first.lower()
