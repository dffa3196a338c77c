"""What a rehearsal found, as evidence for those who approve, and for the check afterwards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from commands.database_ports import Counts, Finding, Watched
from commands.domain.database import Loss
from commands.domain.database_looks import NOT_VALID
from commands.domain.plan import Evidence, EvidenceItem
from commands.domain.text import Text, text
from workers.steps.packed import listed, packed, unlisted, unpacked

REHEARSAL, DROPS = "rehearsal", "rehearsal_drops_"
ROWS = "rehearsal_rows"
AFTERWARDS, PROVEN, RESTORED = "rehearsal_integrity", "backup_integrity", "restore_integrity"
"""What integrity found on the copy after the rehearsal, before it, or on what is swapped in."""
NAMED = 5
"""So many losses stand on the card by name, those with the most rows first."""


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """The copy before and after: `losses` with rows, counts, integrity, locks, time."""

    losses: tuple[Loss, ...]
    before: Counts
    after: Counts
    findings: tuple[Finding, ...]
    watched: Watched
    seconds: float

    @property
    def detail(self) -> Text:
        """In one line."""
        return text("db.rehearsed", seconds=self.seconds, held_s=round(self.watched.held_s, 1))

    def evidence(self) -> tuple[EvidenceItem, ...]:
        """Sorted by name on the card: time, then what is dropped, rows, integrity."""
        found = f"{self.seconds} s, lock {self.watched.held_s} s"
        first = EvidenceItem(name=REHEARSAL, ok=True, found=found, said=self.detail)
        return (first, *self._dropped(), *self._emptied(), self._rows(), *self._integrity())

    def _dropped(self) -> Iterator[EvidenceItem]:
        """`2 columns dropped: projects.description, projects.priority`."""
        for kind, n in Counter(loss.what for loss in self.losses).items():
            names = tuple(loss.name for loss in self.losses if loss.what == kind)
            yield EvidenceItem(
                name=f"{DROPS}{kind}",
                ok=True,
                found=listed(names),
                said=text(f"db.drops_{kind}", n=n, names=names),
            )

    def _emptied(self) -> Iterator[EvidenceItem]:
        """`1204 rows lose data in projects.description`."""
        with_rows = sorted((x for x in self.losses if x.rows), key=lambda x: -(x.rows or 0))
        for number, loss in enumerate(with_rows[:NAMED]):
            key = "db.loses_about" if loss.estimated else "db.loses"
            yield EvidenceItem(
                name=f"rehearsal_loses_{number}",
                ok=True,
                found=f"{loss.rows} {loss.name}",
                said=text(key, n=loss.rows, name=loss.name),
            )

    def _rows(self) -> EvidenceItem:
        """How many rows tables that stay have more or fewer of; a table that is gone has none."""
        moved = {
            table: self.after[table] - n
            for table, n in self.before.items()
            if table in self.after and self.after[table] != n
        }
        fewer = tuple(f"{t} {n:+d}" for t, n in sorted(moved.items()))
        said = text("db.rows_move", names=fewer) if fewer else None
        return EvidenceItem(name=ROWS, ok=True, found=packed(moved), said=said)

    def _integrity(self) -> Iterator[EvidenceItem]:
        yield from soundness(AFTERWARDS, "copy", self.findings)


def soundness(
    name: str, what: str, findings: Iterable[Finding], *, is_silent: bool = False
) -> Iterator[EvidenceItem]:
    """`db.<what>_sound` or `db.<what>_unsound`, and what could not be told: that is no soundness.

    `is_silent`: only what is bad.
    """
    looked = tuple(findings)
    bad = tuple(name_of(f) for f in looked if f.ok is False)
    unsure = tuple(name_of(f) for f in looked if f.ok is None)
    if bad:
        said = text(f"db.{what}_unsound", names=bad)
        yield EvidenceItem(name=name, ok=False, found=listed(bad), said=said)
    elif not (unsure or is_silent):
        yield EvidenceItem(name=name, ok=True, said=text(f"db.{what}_sound"))
    if unsure and not is_silent:
        shown = (*unsure[:NAMED], "…") if len(unsure) > NAMED else unsure
        said = text("db.unsure", names=shown)
        yield EvidenceItem(name=f"{name}_unsure", ok=None, found=listed(unsure), said=said)


def name_of(finding: Finding) -> str:
    """`foreign_key files.files_project_id_fkey`; with what it found where it is NOT VALID."""
    more = f" ({finding.found})" if finding.found.startswith(NOT_VALID) else ""
    return f"{finding.check} {finding.subject}{more}"


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a rehearsal lets one expect of production; no change of rows when it was left out.

    `known_bad`: what was so before the change, or was approved as its result.
    """

    moved: Counts
    dropped: tuple[str, ...]
    known_bad: tuple[str, ...]

    @classmethod
    def of(cls, evidence: Evidence) -> Expectation:
        """As the journal has it."""
        found = {item.name: item.found for item in evidence.items}
        return cls(
            unpacked(found.get(ROWS, "")),
            unlisted(found.get(f"{DROPS}table", "")),
            tuple(n for of in (AFTERWARDS, PROVEN, RESTORED) for n in unlisted(found.get(of, ""))),
        )
