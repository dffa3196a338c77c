"""Which version of the services suits a schema: the one asked for, or the newest proven one."""

from __future__ import annotations

from collections.abc import Iterable

from commands.domain.database import DatabaseFacts, Fit, RevisionId
from commands.domain.database_definition import Database
from commands.domain.errors import PlanRefusedError
from commands.domain.facts import KnownRelease
from commands.domain.people import Scenario
from commands.domain.request import Request
from commands.planner.database_refusals import backup_for, sound_graph, way_back


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


def wanted(
    request: Request,
    definition: Database,
    database: DatabaseFacts,
    releases: Iterable[KnownRelease],
) -> str:
    """The version that the services go to. Raises PlanRefusedError (`refused.db_*`)."""
    if request.scenario is Scenario.DATABASE:
        walk = way_back(request, database, sound_graph(database, definition))
        return chosen(request.version, walk.after, database.fits, releases)
    return _of_backup(request, definition, database, releases)


def _of_backup(
    request: Request,
    definition: Database,
    database: DatabaseFacts,
    releases: Iterable[KnownRelease],
) -> str:
    """The one named, else what ran when the backup was taken, else what suits it.

    An older schema is no obstacle where `upgrade head` follows.
    """
    backup = backup_for(database, definition, request.backup)
    asked = request.version or backup.versions.get(definition.migrations.service)
    fit = database.fit(asked) if asked else None
    if asked and (fit is None or fit.knows is None):
        return asked
    if asked and fit and fit.knows and definition.after_restore == "upgrade_head":
        return asked
    return chosen(request.version, backup.revisions, database.fits, releases)
