"""H18: can the version returned to work on the schema that is there? Safe, or not, or unknown."""

from __future__ import annotations

from dataclasses import dataclass

from commands.domain.database import DatabaseFacts, Fit
from commands.domain.database_definition import Database
from commands.domain.facts import Facts
from commands.domain.plan import Target
from commands.domain.text import Text, text


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a plan says of it: reassurance is evidence, everything else a warning."""

    warnings: tuple[Text, ...] = ()
    evidence: tuple[Text, ...] = ()


def verdict(facts: Facts, definition: Database | None, targets: tuple[Target, ...]) -> Verdict:
    """Of a rollback that leaves the database alone. Who does not use it asks nothing of it.

    Without a database in the runbook nobody looked, nor into a user of it that has no migrations
    of its own; that is said.
    """
    unknown = Verdict(warnings=(text("plan.schema_unknown"),))
    if definition is None:
        return unknown
    target = next((t for t in targets if t.service == definition.migrations.service), None)
    if target is None:
        is_user = any(t.service in definition.dependants for t in targets)
        return unknown if is_user else Verdict()
    if facts.database is None:
        unasked = text("plan.db_schema_unasked", version=target.version)
        return Verdict(warnings=(unasked, *([facts.database_why] if facts.database_why else ())))
    return _judged(facts.database, target)


def _judged(database: DatabaseFacts, target: Target) -> Verdict:
    version, now = target.version, database.revisions
    fit = database.fit(version)
    if fit is None or fit.knows is None:
        unknown = text("plan.db_schema_image_unasked", version=version, revision=now)
        return Verdict(warnings=(unknown,))
    if not fit.knows:
        return Verdict(warnings=(_needs_downgrade(database, fit, target),))
    if not fit.at_head:
        behind = text("plan.db_schema_behind", version=version, revision=now, heads=fit.heads)
        return Verdict(warnings=(behind,))
    return Verdict(evidence=(text("plan.db_schema_safe", version=version, revision=now),))


def _needs_downgrade(database: DatabaseFacts, fit: Fit, target: Target) -> Text:
    """With the command that does both, where the way back is clear."""
    graph = database.graph
    known = [head for head in fit.heads if graph is not None and graph.knows(head)]
    version, now = target.version, database.revisions
    if len(known) != 1 or len(fit.heads) != 1:
        return text("plan.db_schema_unknown_revision", version=version, revision=now)
    command = f"/rollback db {known[0]} --with {target.service}={version}"
    return text(
        "plan.db_needs_downgrade", version=version, revision=now, needed=known[0], command=command
    )
