"""Run the migration on production, and know afterwards where the schema stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from commands.domain import naming
from commands.domain import plan as planned
from commands.domain.errors import CheckFailedError
from commands.domain.plan import Migration
from commands.domain.text import Text, text
from workers.steps.drain_sessions import words
from workers.steps.keep_copy import Keeping
from workers.steps.migrating import (
    Look,
    Run,
    expected,
    half_way,
    perhaps_half_way,
    rows_changed,
)
from workers.steps.packed import listed, unlisted
from workers.steps.ports import Ports
from workers.steps.progress import Before, Outcome, Progress
from workers.steps.rows import counted, moved
from workers.steps.swap_back import swap_back
from workers.steps.unwritten import NOBODY, TRIES, WRITES, Seen, copied, written_meanwhile

AGAIN = "copied_again"
"""The tables that were written to after the copy, so that it was made again just before."""


@dataclass(frozen=True, slots=True)
class MigrateSchema:
    """The downgrade (or upgrade) in a one-off container of the image that has the scripts (H1, H2).

    A lock that is not to be had in time ends it with nothing changed (H17). Whatever else ends it,
    the revisions, the shape of the schema and the number of rows decide: as before, as planned,
    or in doubt (H16). A script may commit by itself in ways that nobody can read out of it.

    `path` are revisions that it passes. `is_swapped`: a restored database has taken the name, and
    its own step brings everything back. `known`: what the journal says was captured.
    `is_apart`: part of it works outside of a transaction, so that a schema which is as before says
    nothing of the rows. `keeping` makes the copy that an undo needs, `kept_as` is what the journal
    says of when it was made.
    """

    ports: Ports
    action: planned.MigrateSchema
    timeout_s: float
    captured: Before
    path: frozenset[str] = frozenset()
    is_swapped: bool = False
    is_apart: bool = False
    keeping: Keeping | None = None
    kept_as: Mapping[str, object] = field(default_factory=dict)
    attempt: int = 1

    def capture(self) -> dict[str, str]:
        """Revisions, shape and counts before: what is gone back to, and compared with.

        And the last look at whether the copy has everything: else it is made again, which is right
        only until the first attempt. Raises CheckFailedError (`check.written_meanwhile`).
        """
        if self.keeping is None or self.captured:
            return self._counted()
        database, as_of = self.action.database, self.kept_as
        tables: tuple[str, ...] = ()
        for _ in range(TRIES):
            before, now = self._counted(), Seen.at(self.ports, database)
            since = now.written_since(as_of)
            if not since and self.keeping.is_there():
                return {**before, **now.to_journal(), AGAIN: listed(tables)}
            tables = since
            as_of = copied(self.ports, database, self.keeping.copy).seen.to_journal()
        raise written_meanwhile(database, tables, ())

    def probe(self, before: Before) -> Progress:
        """After a crash, what ran having been ended. Raises InDoubtError naming the objects."""
        now, start = self._look(), Look.captured(before)
        if now.revisions == expected(self.ports, self.action.migration):
            return Progress.DONE
        if not now.same(start):
            raise half_way(self.action.database, start, now)
        rows = moved(self.ports.production, self.action.database, before)
        if rows:
            raise rows_changed(self.action.database, now, rows)
        if self.is_apart:
            raise perhaps_half_way(self.action.database, now)
        return Progress.UNTOUCHED

    def apply(self) -> Outcome:
        """Raises as `Run.carry_out` does, and CheckFailedError (`check.written_since_copy`)."""
        tables = self._written_since_copy()
        start = Look.captured(self.captured) if self.captured else self._look()
        ran = self._run(self.action.migration, start, self.captured).carry_out()
        said = text(
            "db.migrated",
            revisions=ran.after.revisions,
            seconds=ran.seconds,
            blocked_s=round(ran.watched.blocked_s, 1),
        )
        return Outcome(self._with_writes(said, tables))

    def _written_since_copy(self) -> tuple[str, ...]:
        """The tables, just before the container starts: the first attempt is not made then.

        A later one is: the earlier may have written itself what was rolled back. It is told.
        """
        server, database = self.ports.production, self.action.database
        if self.keeping is None or not self.captured.get(WRITES):
            return ()
        tables = Seen(server.writes(database)).written_since(self.captured)
        if tables and self.attempt <= 1:
            who = tuple(words(session) for session in server.sessions(database))
            raise CheckFailedError(
                "check.written_since_copy", database=database, tables=tables, who=who or NOBODY
            )
        return tables

    def _with_writes(self, said: Text, tables: tuple[str, ...]) -> Text:
        if tables:
            return text("db.migrated_not_all_kept", **{**said.params, "tables": tables})
        again = unlisted(self.captured.get(AGAIN, ""))
        return text("db.migrated_again", **{**said.params, "tables": again}) if again else said

    def _counted(self) -> dict[str, str]:
        before = self._look().to_capture()
        return {**before, **counted(self.ports.production, self.action.database)}

    def changed_since(self, before: Before) -> Text | None:
        """A revision that this migration does not know: somebody deployed since."""
        if self.is_swapped:
            return None
        server, database = self.ports.production, self.action.database
        now = server.revisions(database)
        ours = {*self.action.migration.after, *Look.captured(before).revisions, *self.path}
        if not ours.issuperset(now):
            return text("db.migrated_since", database=database, found=now)
        if self.action.way_back == "swap" and self._lacks_copy(before):
            kept = naming.kept(database, self.ports.rollback_id)
            return text("db.kept_gone", database=database, kept=kept)
        return None

    def revert(self, before: Before) -> Text | None:
        """By the plan's way back, and read back. Nothing was changed: nothing is done, and said."""
        if self.is_swapped:
            return None
        server, database = self.ports.production, self.action.database
        if not self.is_apart and not server.exists(self._aside) and self._is_as_before(before):
            return text("db.unchanged")
        if self.action.way_back == "swap":
            swap_back(self.ports, database, self._aside, marked=True)
        elif self.action.back is not None and not self._look().same(Look.captured(before)):
            self._run(self.action.back, self._look(), {}).carry_out()
        self._refuse_another_schema(before)
        if self.action.way_back == "swap":
            return None
        rows = moved(server, database, before)
        return text("db.rows_not_back", tables=rows) if rows else None

    @property
    def _aside(self) -> str:
        return naming.left(self.action.database, self.ports.rollback_id)

    def _lacks_copy(self, before: Before) -> bool:
        """Whether there is something to bring back, and nothing to bring it back from."""
        server = self.ports.production
        if server.exists(naming.kept(self.action.database, self.ports.rollback_id)):
            return False
        if server.exists(self._aside):
            # An attempt that was cut short has swapped it in already.
            return not self._look().same(Look.captured(before))
        return not self._is_as_before(before)

    def _run(self, migration: Migration, start: Look, rows: Before) -> Run:
        return Run(
            ports=self.ports,
            database=self.action.database,
            migration=migration,
            start=start,
            rows=rows,
            lock_timeout_s=self.action.lock_timeout_s,
            timeout_s=self.timeout_s,
            is_apart=self.is_apart,
        )

    def _look(self) -> Look:
        return Look.at(self.ports.production, self.action.database)

    def _is_as_before(self, before: Before) -> bool:
        """In schema and in rows; where these were too many to count, it is not known to be."""
        if not self._look().same(Look.captured(before)):
            return False
        return moved(self.ports.production, self.action.database, before) == ()

    def _refuse_another_schema(self, before: Before) -> None:
        now, start = self._look(), Look.captured(before)
        if now.revisions != start.revisions:
            raise CheckFailedError(
                "check.wrong_schema",
                database=self.action.database,
                expected=start.revisions,
                found=now.revisions,
            )
        if not now.same(start):
            # The scripts' own way back left something out (an autocommit cut short, H16).
            raise half_way(self.action.database, start, now)
