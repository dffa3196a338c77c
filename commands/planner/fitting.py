"""Which version of the services suits a schema: the one asked for, or the newest proven one."""

from __future__ import annotations

from collections.abc import Iterable

from commands.domain.database import Fit, RevisionId
from commands.domain.errors import PlanRefusedError
from commands.domain.facts import KnownRelease


def compatible(fits: Iterable[Fit], releases: Iterable[KnownRelease]) -> str | None:
    """The version to go with a schema when nobody named one; None if none is sure to fit.

    The newest *proven* one whose newest migration is that revision; else the newest such one.
    `fits` and `releases` are newest first; known-bad ones come last.
    """
    fitting = [fit.version for fit in fits if fit.at_head]
    known = tuple(releases)
    bad = {r.version for r in known if r.known_bad_since}
    proven = {r.version for r in known if r.proven} - bad
    by_preference = sorted(fitting, key=lambda version: (version not in proven, version in bad))
    return by_preference[0] if by_preference else None


def chosen(
    asked: str | None,
    after: tuple[RevisionId, ...],
    fits: tuple[Fit, ...],
    releases: Iterable[KnownRelease],
) -> str:
    """The version that the services run afterwards. Raises PlanRefusedError (`refused.db_*`).

    A version that is asked for and could not be looked into is taken: the plan warns of it.
    """
    if asked is None:
        version = compatible(fits, releases)
        if version is None:
            knowing = tuple(fit.version for fit in fits if fit.knows)
            raise PlanRefusedError("refused.db_no_version", revision=after, knowing=knowing)
        return version
    fit = next((fit for fit in fits if fit.version == asked), None)
    good = tuple(fit.version for fit in fits if fit.at_head)
    if fit is not None and fit.knows is False:
        raise PlanRefusedError(
            "refused.db_version_unaware", version=asked, revision=after, fitting=good
        )
    if fit is not None and fit.at_head is False:
        raise PlanRefusedError(
            "refused.db_version_ahead",
            version=asked,
            revision=after,
            heads=fit.heads,
            fitting=good,
        )
    return asked
