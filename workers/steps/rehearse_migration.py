"""Run the migration on a copy, while people decide, and tell what it does there."""

from __future__ import annotations

from dataclasses import dataclass

from commands.database_ports import Counts, Finding, Shape, Watched
from commands.domain import naming
from commands.domain import plan as planned
from commands.domain.database import Loss
from commands.domain.errors import CheckFailedError
from commands.domain.text import text
from commands.ports import OneOffOutcome
from workers.steps.aside import Aside
from workers.steps.migrating import SETTLE_S, refuse_another_image
from workers.steps.ports import Ports
from workers.steps.progress import Before, Outcome, Progress
from workers.steps.rehearsed import Rehearsed
from workers.steps.restoring import found_backup, restore_copy

ASK_EVERY_S = 1.0
RISK_S = 20.0
"""How long production may be asked for rows at risk; beyond it they are estimated."""

LOCK_PATIENCE_S = 3_600.0
"""Nobody else is on the copy: nothing is to be ended for waiting."""


@dataclass(frozen=True, slots=True)
class RehearseMigration:
    """The very migration, in the same image, on the scratch copy that `ProveBackup` left.

    Timed and watched; revisions, shape, rows and integrity are compared before and after. Serves
    no user. Safe to repeat: from the second attempt on the copy is restored anew, because a
    rehearsal that was cut short leaves one that is neither. `backup` names what it is made from.
    An approver may leave it out, also while it runs.
    """

    ports: Ports
    action: planned.RehearseMigration
    backup: str
    timeout_s: float
    attempt: int = 1
    ask_every_s: float = ASK_EVERY_S

    def capture(self) -> dict[str, str]:
        """The copy that it runs on."""
        return {"scratch": self._scratch}

    def probe(self, before: Before) -> Progress:  # noqa: ARG002 -- a rehearsal is not half one
        """What was cut short is rehearsed again."""
        return Progress.PARTIAL

    def apply(self) -> Outcome:
        """Raises CheckFailedError (`check.rehearsal_*`): then production is not touched at all."""
        rehearsed = None
        with self.ports.my_turn(self.timeout_s, self.ports.skipped) as is_ours:
            if is_ours:
                rehearsed = Aside(self._rehearse).wait(
                    self.ports.skipped, self._end, self.ask_every_s, SETTLE_S
                )
        if rehearsed is None:
            return Outcome(text("db.rehearsal_left"), is_moot=True)
        return Outcome(rehearsed.detail, evidence=rehearsed.evidence())

    def changed_since(self, before: Before) -> None:
        """A scratch copy is nobody else's."""

    def revert(self, before: Before) -> None:
        """`DropScratch` does it, on every ending."""

    def _rehearse(self) -> Rehearsed:
        server, scratch, migration = self.ports.rehearsals, self._scratch, self.action.migration
        self._renew()
        counts, shape = server.counts(scratch, self.timeout_s), server.shape(scratch)
        outcome, watched = self._run()
        revisions = server.revisions(scratch)
        if outcome.exit_code or revisions != migration.after:
            raise self._failure(outcome, revisions)
        after = server.counts(scratch, self.timeout_s)
        return Rehearsed(
            losses=self._losses(shape, server.shape(scratch)),
            before=counts,
            after=after,
            findings=self._findings(after),
            watched=watched,
            seconds=round(outcome.seconds, 1),
        )

    def _renew(self) -> None:
        """Have the copy as the backup is. The first attempt finds it as the proof left it."""
        server, scratch = self.ports.rehearsals, self._scratch
        as_proven = self.attempt <= 1 and server.exists(scratch) and server.is_whole(scratch)
        if not as_proven:
            record = found_backup(self.ports, self.backup)
            restore_copy(server, self.ports, record, scratch, self.timeout_s)
        found = server.revisions(scratch)
        if found != self.action.migration.before:
            raise CheckFailedError(
                "check.rehearsal_other_schema",
                backup=self.backup,
                expected=self.action.migration.before,
                found=found,
            )

    def _run(self) -> tuple[OneOffOutcome, Watched]:
        refuse_another_image(self.ports, self.action.migration)
        watch = self.ports.rehearsals.watch(self._scratch, LOCK_PATIENCE_S)
        with watch:
            outcome = self.ports.tool.run(
                self.action.migration, self._scratch, self.timeout_s, scratch=True
            )
        return outcome, watch.seen

    def _losses(self, before: Shape, after: Shape) -> tuple[Loss, ...]:
        """Production is asked how many rows: the copy has lost them by now."""
        losses = before.lost_in(after)
        production = self.ports.production
        return production.rows_at_risk(self.action.database, losses, RISK_S) if losses else ()

    def _findings(self, after: Counts) -> tuple[Finding, ...]:
        critical = {t: n for t, n in after.items() if t in self.action.critical}
        return self.ports.rehearsals.integrity(self._scratch, critical, self.timeout_s)

    def _failure(self, outcome: OneOffOutcome, revisions: tuple[str, ...]) -> CheckFailedError:
        if outcome.exit_code:
            return CheckFailedError(
                "check.rehearsal_failed", exit_code=outcome.exit_code, tail=outcome.tail
            )
        return CheckFailedError(
            "check.rehearsal_not_moved",
            expected=self.action.migration.after,
            found=revisions,
        )

    def _end(self) -> None:
        # Its session first: the engine would wait for the program to end by itself.
        self.ports.rehearsals.settle()
        self.ports.containers.settle(self.ports.rollback_id, SETTLE_S)

    @property
    def _scratch(self) -> str:
        return naming.scratch(self.action.database, self.ports.rollback_id)
