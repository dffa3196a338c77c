"""Which releases there are: ledger, local images, registry tags and git tags, merged.

A release is a version *and* a digest: a tag that was pushed anew is another release.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, TypeAlias

from semver import Version

from commands.domain.facts import (
    ImageDigest,
    KnownRelease,
    LedgerLine,
    ReleaseImage,
    RunningRelease,
)

Source: TypeAlias = Literal["ledger", "local", "registry", "git"]
ORDER: tuple[Source, ...] = ("ledger", "local", "registry", "git")
LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Sources:
    """What each place knows of one service's releases. Tags are versions without a digest."""

    ledger: tuple[LedgerLine, ...] = ()
    local: tuple[ReleaseImage, ...] = ()
    registry: tuple[str, ...] = ()
    git: tuple[str, ...] = ()
    running: RunningRelease | None = None


def merge(service: str, sources: Sources) -> tuple[KnownRelease, ...]:
    """Every known release of a service, newest first.

    Tags of registry and git say nothing of a digest, so they vouch for each release of that name.
    """
    found: dict[str, dict[ImageDigest, _Found]] = defaultdict(dict)
    for image in sources.local:
        release = found[image.version].setdefault(image.digest, _Found())
        release.sources.add("local")
        release.created_at = image.created_at
    for line in sources.ledger:
        if line.service == service:
            digests = found[line.version]
            _same_image(digests, line, sources.local).remember(line)
    _add_tags(found, "registry", sources.registry)
    _add_tags(found, "git", sources.git)
    releases = (
        release.known(service, version, digest, sources.running)
        for version, digests in found.items()
        for digest, release in digests.items()
        if version
    )
    return tuple(sorted(releases, key=newest_first))


def newest_first(release: KnownRelease) -> tuple[bool, list[_Descending], float, str]:
    """Sort key: by semantic version where the name has one, the others after, by age."""
    parsed = semantic(release.version)
    seen_at = release.created_at or (release.proven.since_at if release.proven else LONG_AGO)
    age = -(seen_at - LONG_AGO).total_seconds()
    return (parsed is None, [_Descending(parsed)] if parsed else [], age, release.version)


def semantic(version: str) -> Version | None:
    """The version as semver reads it (`v` and missing parts allowed), or None."""
    try:
        return Version.parse(version.removeprefix("v"), optional_minor_and_patch=True)
    except ValueError:
        return None


def is_newer(version: str, than: str) -> bool:
    """Whether both are semantic versions and the first is the later one."""
    one, other = semantic(version), semantic(than)
    return one is not None and other is not None and one > other


def returnable(releases: Iterable[KnownRelease], running: str) -> tuple[KnownRelease, ...]:
    """Releases that `--auto` may go back to: proven, never rolled back, never forward (H9)."""
    return tuple(
        r
        for r in releases
        if r.proven and not r.known_bad_since and not (running and is_newer(r.version, running))
    )


def newest_common(
    choices: Sequence[tuple[KnownRelease, ...]], running: Sequence[str]
) -> str | None:
    """The newest version that every service may go back to, and that not all of them run.

    `choices` are each service's returnable releases, newest first, in step with `running`.
    """
    if not choices:
        return None
    common = set.intersection(*({r.version for r in c} for c in choices))
    for release in choices[0]:
        if release.version in common and any(release.version != now for now in running):
            return release.version
    return None


@dataclass(slots=True)
class _Found:
    sources: set[Source]
    line: LedgerLine | None
    created_at: datetime | None

    def __init__(self) -> None:
        self.sources, self.line, self.created_at = set(), None, None

    def remember(self, line: LedgerLine) -> None:
        self.sources.add("ledger")
        self.line = line

    def known(
        self, service: str, version: str, digest: ImageDigest, running: RunningRelease | None
    ) -> KnownRelease:
        line = self.line
        return KnownRelease(
            service=service,
            version=version,
            digest=digest,
            sources=tuple(s for s in ORDER if s in self.sources),
            proven=line.proven if line else None,
            known_bad_since=line.rolled_back_by if line else "",
            running=running is not None and bool(digest) and running.runs(digest),
            created_at=self.created_at or (line.first_seen_at if line else None),
        )


def _same_image(
    digests: dict[ImageDigest, _Found], line: LedgerLine, local: tuple[ReleaseImage, ...]
) -> _Found:
    """The ledger may have seen the image under its id, before a registry gave it a digest."""
    for image in local:
        names = (image.digest, image.image_id, *image.repo_digests)
        if image.version == line.version and line.digest in names:
            return digests[image.digest]
    return digests.setdefault(line.digest, _Found())


def _add_tags(
    found: dict[str, dict[ImageDigest, _Found]], source: Source, tags: Iterable[str]
) -> None:
    for tag in tags:
        for release in found[tag].values() or (found[tag].setdefault("", _Found()),):
            release.sources.add(source)


@dataclass(frozen=True, slots=True)
class _Descending:
    version: Version

    def __lt__(self, other: _Descending) -> bool:
        return self.version > other.version
