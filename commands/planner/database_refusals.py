"""Why a database rollback is refused before anything is done: each with names and the way out."""

from __future__ import annotations

from commands.domain.database import BackupRecord, DatabaseFacts, ScriptGraph
from commands.domain.database_definition import Database
from commands.domain.errors import PlanRefusedError
from commands.domain.facts import Facts
from commands.domain.request import Request
from commands.planner.graph import Walk, downgrade

OLDEST_SERVER = 150_000
MAJOR = 10_000
MIB = 2**20
BACKUP_SHARE = 0.5
"""A compressed dump was a sixth to a half of its database in every one that was measured."""

COPY_SHARE = 1.2
PASSING_S = 5.0
"""A transaction prepared so lately is about to be committed by whoever prepared it."""

TIES = ("prepared", "subscription", "slot", "sender", "worker")
SHOWN = 5


def surveyed(facts: Facts) -> DatabaseFacts:
    """The database's facts. Raises PlanRefusedError when it could not be asked."""
    if facts.database is not None:
        return facts.database
    why = facts.database_why
    if why is not None:
        raise PlanRefusedError(why.key, **why.params)
    raise PlanRefusedError("refused.db_none", environment=facts.environment)


def sound_graph(database: DatabaseFacts, definition: Database) -> ScriptGraph:
    """The scripts that know what is in the database. Raises PlanRefusedError (H2, H15)."""
    service = definition.migrations.service
    graph = database.graph
    if graph is None:
        raise PlanRefusedError("refused.db_image_unknown", service=service)
    refuse_unsound(graph)
    if not database.revisions:
        raise PlanRefusedError("refused.db_no_revision", database=database.database)
    strange = tuple(one for one in database.revisions if not graph.knows(one))
    if strange:
        raise PlanRefusedError(
            "refused.db_current_unknown",
            service=service,
            version=graph.version,
            revisions=strange,
        )
    return graph


def refuse_unsound(graph: ScriptGraph) -> None:
    """Raise PlanRefusedError (`refused.db_*`) with the names of what must be mended (H15)."""
    if graph.why:
        raise PlanRefusedError(
            "refused.db_scripts_unread", version=graph.version, service=graph.service, why=graph.why
        )
    if not graph.revisions:
        raise PlanRefusedError(
            "refused.db_no_scripts", version=graph.version, service=graph.service
        )
    if graph.missing:
        pairs = tuple(f"{one} → {absent}" for one, absent in graph.missing)
        raise PlanRefusedError("refused.db_broken_reference", version=graph.version, pairs=pairs)
    if graph.repeated:
        raise PlanRefusedError(
            "refused.db_repeated", version=graph.version, revisions=graph.repeated
        )
    if graph.circular:
        raise PlanRefusedError(
            "refused.db_circular", version=graph.version, revisions=graph.circular
        )
    if len(graph.heads) > 1:
        raise PlanRefusedError("refused.db_several_heads", version=graph.version, heads=graph.heads)


def way_back(request: Request, database: DatabaseFacts, graph: ScriptGraph) -> Walk:
    """The downgrade that was asked for. Raises PlanRefusedError."""
    return downgrade(graph, database.revisions, request.revision or "-1")


def refuse_irreversible(walk: Walk) -> None:
    """Case 47: nobody wrote a way back."""
    names = tuple(f"{one.id} ({one.title})" for one in walk.path if one.irreversible)
    if names:
        raise PlanRefusedError("refused.db_irreversible", scripts=names)


def refuse_unpinned(graph: ScriptGraph, facts: Facts, repository: str) -> None:
    """A one-off container runs what an override file pins, and that must be the newer image."""
    pin = facts.of(graph.service).pin
    wanted = f"{repository}:{graph.version}"
    if pin is not None and not pin.variable and pin.value not in ("", wanted):
        raise PlanRefusedError(
            "refused.db_image_not_pinned", service=graph.service, wanted=wanted, pinned=pin.value
        )


def refuse_server(database: DatabaseFacts, definition: Database) -> None:
    """Case 51: client tools older than the server make dumps that do not restore."""
    server = database.server_version
    if server < OLDEST_SERVER:
        raise PlanRefusedError("refused.db_server_old", version=server // MAJOR)
    place = definition.service if definition.server == "compose" else "host"
    if database.client_version is None:
        raise PlanRefusedError("refused.db_no_client", place=place)
    if database.client_version // MAJOR < server // MAJOR:
        raise PlanRefusedError(
            "refused.db_client_old",
            place=place,
            client=database.client_version // MAJOR,
            server=server // MAJOR,
        )


def refuse_without_room_for_backup(
    database: DatabaseFacts, definition: Database, dumps: int = 1
) -> None:
    """The bytes needed and free are told. `dumps`: of the whole database, one after the other."""
    needed = round(database.size_bytes * BACKUP_SHARE * dumps)
    free = database.backup_free_bytes
    if free is not None and free < needed:
        raise PlanRefusedError(
            "refused.db_no_room_for_backup",
            folder=definition.backups,
            needed_mib=needed // MIB,
            free_mib=free // MIB,
        )


def refuse_without_room_beside(database: DatabaseFacts) -> None:
    """The backup is restored beside the database, which stays."""
    needed = round(database.size_bytes * COPY_SHARE)
    free = database.server_free_bytes
    if free is not None and free < needed:
        raise PlanRefusedError(
            "refused.db_no_room_beside", needed_mib=needed // MIB, free_mib=free // MIB
        )


def refuse_unknown_room(database: DatabaseFacts, definition: Database) -> None:
    """Preparing comes before any approval, and a full disk stops production: somebody must know."""
    if database.server_free_bytes is None and definition.clone != "always":
        raise PlanRefusedError(
            "refused.db_room_unknown",
            database=database.database,
            needed_mib=round(database.size_bytes * COPY_SHARE) // MIB,
        )


def has_room_for_clone(database: DatabaseFacts, definition: Database) -> bool:
    """Whether a whole copy fits beside it, and the scratch copy where that is there too.

    A disk that fills up stops the server, so that unknown room is none.
    """
    if definition.clone != "room":
        return definition.clone == "always"
    copies = COPY_SHARE if database.scratch_apart else COPY_SHARE + 1
    free = database.server_free_bytes
    return free is not None and free >= database.size_bytes * copies


def refuse_tied(database: DatabaseFacts) -> None:
    """A copy or a change of names would fail with users behind the page, or do harm unseen."""
    for what in TIES:
        _refuse_tied_by(what, database)


def refuse_prepared(database: DatabaseFacts) -> None:
    """Its locks are nobody's session: nothing drains them, and its rows are in no dump."""
    _refuse_tied_by("prepared", database)


def _refuse_tied_by(what: str, database: DatabaseFacts) -> None:
    ties = (one for one in database.ties if one.what == what)
    names = tuple(one.name for one in ties if one.age_s is None or one.age_s >= PASSING_S)
    if names:
        raise PlanRefusedError(
            f"refused.db_tied_{what}", database=database.database, names=names[:SHOWN]
        )


def backup_for(database: DatabaseFacts, definition: Database, named: str) -> BackupRecord:
    """The backup to restore: the one named, else the newest good one (H4).

    Good is: proven, and taken before the version that runs now was first seen here, while
    another one ran. One that nobody proved is refused: `rollbot backup verify` proves it.
    Raises PlanRefusedError.
    """
    known = tuple(one.name for one in database.backups)[:SHOWN]
    if not named:
        found = next((one for one in database.backups if _is_good(one, database, definition)), None)
        if found is None:
            raise PlanRefusedError("refused.db_no_backup", known=known)
        return found
    backup = database.backup(named)
    if backup is None:
        raise PlanRefusedError("refused.db_backup_unknown", backup=named, known=known)
    if backup.why:
        raise PlanRefusedError("refused.db_backup_bad", backup=named)
    if backup.proven_at is None:
        raise PlanRefusedError("refused.db_backup_unproven", backup=named)
    return backup


def _is_good(backup: BackupRecord, database: DatabaseFacts, definition: Database) -> bool:
    since_at = database.faulty_since_at
    ran = backup.versions.get(definition.migrations.service)
    return (
        backup.proven_at is not None
        and not backup.why
        and since_at is not None
        and backup.taken_at < since_at
        # First seen may be late, when rollbot itself came after the deploy.
        and (ran is None or ran != database.faulty_version)
    )
