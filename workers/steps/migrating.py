"""One run of the migration tool, watched from outside, and judged by what the world shows.

What a program says of itself is not believed: revisions and shape are looked at before and after.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from commands.database_ports import Database, Shape, Watched, WatchedRun
from commands.domain.database import ScriptGraph
from commands.domain.errors import (
    CheckFailedError,
    CommandFailedError,
    EngineError,
    InDoubtError,
    LockTimeoutError,
    RollbotError,
)
from commands.domain.plan import Migration, Target
from commands.domain.text import Param, text
from commands.ports import OneOffOutcome
from workers.steps.packed import SHAPE, differences, fingerprint, recalled, remembered
from workers.steps.ports import Ports
from workers.steps.progress import Before
from workers.steps.rows import moved

REVISIONS = "revisions"
SETTLE_S = 30.0
NEARLY = 0.8
"""A wait is measured by looks: the one that ended a migration may be seen a little shorter."""

Problem = RollbotError | None


@dataclass(frozen=True, slots=True)
class Look:
    """A database's revisions and shape at one moment."""

    revisions: tuple[str, ...]
    shape: Shape | None
    fingerprint: str

    @classmethod
    def at(cls, server: Database, database: str) -> Look:
        """As they are now."""
        shape = server.shape(database)
        return cls(server.revisions(database), shape, fingerprint(shape))

    @classmethod
    def captured(cls, before: Mapping[str, str]) -> Look:
        """As a step found them; the shape itself may have been too large for the journal."""
        revisions = tuple(before.get(REVISIONS, "").split())
        return cls(revisions, recalled(before), before.get(SHAPE, ""))

    def to_capture(self) -> dict[str, str]:
        """For the journal."""
        shape = remembered(self.shape) if self.shape else {SHAPE: self.fingerprint}
        return {REVISIONS: " ".join(self.revisions), **shape}

    def same(self, other: Look) -> bool:
        """Whether nothing in between changed the schema."""
        return (self.revisions, self.fingerprint) == (other.revisions, other.fingerprint)

    def objects(self, now: Look) -> tuple[str, ...]:
        """What is gone and what is new since, by name."""
        return differences(self.shape, now.shape) if self.shape and now.shape else ()


@dataclass(frozen=True, slots=True)
class Ran:
    """How a run ended: its last look, what was seen of locks, how long it took."""

    after: Look
    watched: Watched
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One migration to be carried out on production, and what the database was before it.

    `rows` holds how many there were in each table, if that is known.
    """

    ports: Ports
    database: str
    migration: Migration
    start: Look
    rows: Before
    lock_timeout_s: float
    timeout_s: float
    is_apart: bool = False

    def carry_out(self) -> Ran:
        """Run it. Returns only when the database has the revisions that it ends at.

        Raises LockTimeoutError, CommandFailedError and CommandTimedOutError when nothing was
        changed (cases 50, 31), InDoubtError when something was, or may have been (case 49): a
        script that works outside of its transaction may have met the lock half-way. Raises
        CheckFailedError (`check.another_image`) before anything ran.
        """
        refuse_another_image(self.ports, self.migration)
        began = self.ports.clock.now()
        watch = self.ports.production.watch(self.database, self.lock_timeout_s)
        problem: Problem = None
        with watch:
            try:
                problem = self._failed(self._started())
            except EngineError as error:
                problem = error
        if problem is not None:
            self._settle()
        now = Look.at(self.ports.production, self.database)
        wanted = expected(self.ports, self.migration)
        done = problem is None if wanted is None else now.revisions == wanted
        if not done:
            self._refuse(now, problem, watch)
        seconds = round((self.ports.clock.now() - began).total_seconds(), 1)
        return Ran(now, watch.seen, seconds)

    def _settle(self) -> None:
        """What was cut short may still be at it, and commit after our look."""
        with suppress(RollbotError):
            # With the engine away, ending its session must do: it does not begin another.
            self.ports.containers.settle(self.ports.rollback_id, SETTLE_S)
        self.ports.production.settle()

    def _started(self) -> OneOffOutcome:
        return self.ports.tool.run(self.migration, self.database, self.timeout_s, scratch=False)

    def _failed(self, outcome: OneOffOutcome) -> Problem:
        if outcome.exit_code == 0:
            return None
        return CommandFailedError(_program(self.ports), outcome.exit_code, outcome.tail)

    def _refuse(self, now: Look, problem: Problem, watch: WatchedRun) -> None:
        if not now.same(self.start):
            raise half_way(self.database, self.start, now) from problem
        if problem is not None:
            problem = self._locked_out(problem, watch.seen)
        rows = moved(self.ports.production, self.database, self.rows)
        if rows:
            raise rows_changed(self.database, now, rows, problem) from problem
        if problem is None:
            raise CheckFailedError(
                "check.schema_not_moved",
                database=self.database,
                expected=self.migration.after,
                found=now.revisions,
            )
        if self.is_apart:
            raise perhaps_half_way(self.database, now, problem) from problem
        raise problem

    def _locked_out(self, problem: RollbotError, seen: Watched) -> RollbotError:
        """The lock that ended it, if one did; what it said itself only repeats that."""
        if (
            isinstance(problem, CommandFailedError)
            and seen.holders
            and seen.waited_s >= NEARLY * self.lock_timeout_s
        ):
            return LockTimeoutError(self.database, self.lock_timeout_s, seen.holders)
        return problem


def expected(ports: Ports, migration: Migration) -> tuple[str, ...] | None:
    """The revisions that it ends at: the plan's, else whatever heads its image has.

    None: the scripts in the image could not be read, so that only its exit code can tell.
    """
    if migration.after:
        return migration.after
    graph = scripts_of(ports, migration)
    return None if graph.why else tuple(sorted(graph.heads))


def scripts_of(ports: Ports, migration: Migration) -> ScriptGraph:
    """The scripts of the image that it runs in."""
    image = Target(
        service=migration.service,
        compose_service=migration.service,
        repository=migration.repository,
        version=migration.version,
        digest=migration.digest,
    )
    return ports.tool.graph(image)


def refuse_another_image(ports: Ports, migration: Migration) -> None:
    """Compose runs whatever the tag names: raises CheckFailedError when that is another image.

    Somebody built or pulled under the same tag since the plan was made, or removed it.
    """
    repository, version = migration.repository, migration.version
    if not ports.containers.has_image(repository, version, migration.digest):
        image = f"{repository}:{version}"
        raise CheckFailedError("check.another_image", image=image, digest=migration.digest)


def half_way(database: str, start: Look, now: Look) -> InDoubtError:
    """The schema is neither what it was nor what it was to be: which objects tell it (H16)."""
    return InDoubtError(
        "doubt.schema_half_way",
        database=database,
        before=start.revisions,
        now=now.revisions,
        objects=start.objects(now),
    )


def rows_changed(
    database: str, now: Look, rows: tuple[str, ...], problem: RollbotError | None = None
) -> InDoubtError:
    """The schema is as it was, the rows are not: part of it was committed, or somebody wrote."""
    revisions, said = now.revisions, _said(problem)
    return InDoubtError(
        "doubt.rows_changed", database=database, now=revisions, tables=rows, said=said
    )


def perhaps_half_way(database: str, now: Look, problem: RollbotError | None = None) -> InDoubtError:
    """The schema is as it was; what a script did to rows outside of a transaction is not known."""
    return InDoubtError(
        "doubt.rows_perhaps_changed", database=database, now=now.revisions, said=_said(problem)
    )


def _said(problem: RollbotError | None) -> Param:
    if isinstance(problem, LockTimeoutError):
        # Its own words promise that nothing was changed.
        return text("doubt.locked_out", holders=problem.holders)
    return "" if problem is None else str(problem.facts.get("tail", "") or problem)


def _program(ports: Ports) -> str:
    return " ".join(ports.limits.migrations.command)
