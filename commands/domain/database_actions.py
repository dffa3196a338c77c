"""What a step does to a database, as data. `workers/steps` has one class for each kind.

Names that hold the rollback's number are made when a step runs (`commands.domain.naming`), so
that a plan is the same before and after it has got one.
"""

from __future__ import annotations

from typing import Literal

from commands.domain.actions import CommandLine, PlanPart, Target
from commands.domain.fact import ImageDigest


class Migration(PlanPart):
    """One run of the migration tool in a one-off container of a service's image (H1, H2).

    `command` runs as it stands; `url_variable` is the secret in it that names the database:
    production's own for the real run, the scratch copy's for a rehearsal. `before` and `after`
    are the revisions in the database, sorted.
    """

    service: str
    repository: str
    version: str
    digest: ImageDigest
    command: CommandLine
    url_variable: str
    before: tuple[str, ...]
    after: tuple[str, ...]


class TakeBackup(PlanPart):
    """Dump production, streamed through SHA-256 into the backup folder (H3, H10). Prepare."""

    kind: Literal["take_backup"] = "take_backup"
    database: str


class ProveBackup(PlanPart):
    """Read the archive whole, restore it into the scratch database, compare every count (H3).

    `backup` names it; "" is the one that this rollback's `TakeBackup` made.
    """

    kind: Literal["prove_backup"] = "prove_backup"
    database: str
    backup: str = ""


class RehearseMigration(PlanPart):
    """Run the migration on the scratch copy that `ProveBackup` left, timed.

    An approver may skip it; never the backup.
    """

    kind: Literal["rehearse_migration"] = "rehearse_migration"
    database: str
    migration: Migration
    critical: tuple[str, ...] = ()


class RestoreBeside(PlanPart):
    """Restore a backup into a new database beside the old one, and compare its counts (H5).

    Prepare: it serves no user. Nothing is swapped yet.
    """

    kind: Literal["restore_beside"] = "restore_beside"
    database: str
    backup: str
    sha256: str


class EnterMaintenance(PlanPart):
    """Have the proxy answer 503 with a page, seen from outside. Revert: leave it again."""

    kind: Literal["enter_maintenance"] = "enter_maintenance"


class StopDependants(PlanPart):
    """Stop the services that use the database. Revert: what ran before runs again."""

    kind: Literal["stop_dependants"] = "stop_dependants"
    targets: tuple[Target, ...]
    command: CommandLine


class DrainSessions(PlanPart):
    """Wait for the sessions that remain, then end them; who they were is told."""

    kind: Literal["drain_sessions"] = "drain_sessions"
    database: str
    patience_s: float


class CompareSchema(PlanPart):
    """The last look before the change: the revisions in the database are those of the plan."""

    kind: Literal["compare_schema"] = "compare_schema"
    database: str
    revisions: tuple[str, ...]


class KeepCopy(PlanPart):
    """Keep what is there now, whole, as `<database>_before_RB_17`: nothing written is lost.

    `clone`: a copy beside it on the server. `dump`: there is no room for one; a fresh dump of
    the tables that the migration touches (all when `tables` is empty) goes to the backup folder.
    """

    kind: Literal["keep_copy"] = "keep_copy"
    database: str
    way: Literal["clone", "dump"]
    tables: tuple[str, ...] = ()


class MigrateSchema(PlanPart):
    """Run the migration on production. Who holds a lock in its way is told (H17).

    Revert: `swap` brings the kept copy back; `migrate` runs `back`, and dropped data stays lost.
    """

    kind: Literal["migrate_schema"] = "migrate_schema"
    database: str
    migration: Migration
    lock_timeout_s: float
    way_back: Literal["swap", "migrate"]
    back: Migration | None = None


class SwapDatabase(PlanPart):
    """The restored database takes the name; the old one stays as `<database>_before_RB_17`.

    Two renames in one transaction. Revert: the same, the other way round.
    """

    kind: Literal["swap_database"] = "swap_database"
    database: str


class StartDependants(PlanPart):
    """Run the pinned images of the stopped services.

    Revert: stop them. They must not run on the schema that the walk back is about to change;
    `StopDependants.revert` starts the earlier ones.
    """

    kind: Literal["start_dependants"] = "start_dependants"
    targets: tuple[Target, ...]
    command: CommandLine
    stop: CommandLine


class ReadSchema(PlanPart):
    """Read the revisions back: the proof. Empty `revisions`: whatever heads the image has."""

    kind: Literal["read_schema"] = "read_schema"
    database: str
    revisions: tuple[str, ...]


class CheckIntegrity(PlanPart):
    """Counts against what the rehearsal expected, orphans, sequences, indexes."""

    kind: Literal["check_integrity"] = "check_integrity"
    database: str
    critical: tuple[str, ...] = ()


class LeaveMaintenance(PlanPart):
    """Take the page away, seen from outside: only after the checks passed. Revert: enter again."""

    kind: Literal["leave_maintenance"] = "leave_maintenance"


class DropScratch(PlanPart):
    """Clean-up: drop the scratch database, and a restored one that was never swapped in."""

    kind: Literal["drop_scratch"] = "drop_scratch"
    database: str


class EndMaintenance(PlanPart):
    """Clean-up: where people ended the run, the page goes only if the services are well again.

    Else it stays, and that is said with the way to take it away.
    """

    kind: Literal["end_maintenance"] = "end_maintenance"
    services: tuple[str, ...]
