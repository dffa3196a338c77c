"""Whether the data is sound: what should be there is there, and refers to what is there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from commands.database_ports import Counts, Finding
from commands.domain.errors import CheckFailedError, InDoubtError
from commands.domain.proof import ProofItem, Verdict
from commands.domain.text import text
from workers.steps.looking import Looking
from workers.steps.packed import unpacked
from workers.steps.ports import Ports
from workers.steps.progress import Outcome
from workers.steps.rehearsed import Expectation, name_of
from workers.steps.restoring import found_backup


@dataclass(frozen=True, slots=True)
class CheckIntegrity(Looking):
    """Counts of the critical tables, orphans of every foreign key, sequences, indexes.

    `counted_before` are the rows just before the migration, packed ("" = not counted; then those
    of the `backup` that was restored). `expectation` says how the rehearsal moved them, `gone` are
    tables that the change drops on purpose. The services run again behind the page: more rows
    than expected are theirs, fewer are nobody's (in doubt). What was unsound in the copy already
    (proven, rehearsed or restored) was approved as such.
    """

    ports: Ports
    database: str
    critical: tuple[str, ...]
    counted_before: str
    backup: str
    expectation: Expectation
    gone: frozenset[str]
    timeout_s: float

    def apply(self) -> Outcome:
        """Raises InDoubtError (`doubt.rows_missing`), CheckFailedError (`check.unsound`)."""
        counted = tuple(self._counted())
        missing = tuple(_words(item) for item in counted if item.verdict is Verdict.BAD)
        if missing:
            raise InDoubtError("doubt.rows_missing", database=self.database, tables=missing)
        findings = self.ports.production.integrity(self.database, {}, self.timeout_s)
        bad = tuple(name_of(f) for f in findings if f.ok is False)
        new = tuple(name for name in bad if name not in self.expectation.known_bad)
        if new:
            raise CheckFailedError("check.unsound", database=self.database, found=new)
        said = text("db.sound", n=len(findings), tables=len(counted), known=bad)
        return Outcome(said, proof=(*counted, *self._looked(findings)))

    def _counted(self) -> Iterator[ProofItem]:
        before = self._before()
        now = self.ports.production.counts(self.database, self.timeout_s) if before else {}
        for table in self.critical:
            if table not in self.gone:
                yield self._item(table, before.get(table), now.get(table))

    def _before(self) -> Counts:
        if self.counted_before or not self.backup:
            return unpacked(self.counted_before)
        return found_backup(self.ports, self.backup).counts

    def _item(self, table: str, before: int | None, now: int | None) -> ProofItem:
        expected = None if before is None else before + self.expectation.moved.get(table, 0)
        if expected is None:
            verdict = Verdict.UNKNOWN
        else:
            verdict = Verdict.OK if now is not None and now >= expected else Verdict.BAD
        return ProofItem(
            service=table,
            what="integrity",
            expected="" if expected is None else f"≥ {expected}",
            found="" if now is None else str(now),
            verdict=verdict,
        )

    def _looked(self, findings: tuple[Finding, ...]) -> Iterator[ProofItem]:
        """One item for each kind of check: the worst that it found."""
        for check in dict.fromkeys(finding.check for finding in findings):
            of_kind = [f for f in findings if f.check == check]
            sure = all(f.ok for f in of_kind)
            yield ProofItem(
                service=check,
                what="integrity",
                expected=str(len(of_kind)),
                found=str(sum(f.ok is True for f in of_kind)),
                verdict=Verdict.OK if sure else Verdict.UNKNOWN,
            )


def _words(item: ProofItem) -> str:
    return f"{item.service}: {item.found or '—'} ({item.expected})"
