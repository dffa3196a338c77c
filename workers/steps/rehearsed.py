"""What a rehearsal found, as evidence for those who approve, and for the check afterwards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from commands.database_ports import Counts, Finding, Watched
from commands.domain.database import Loss
from commands.domain.plan import Evidence, EvidenceItem
from commands.domain.text import Text, text
from workers.steps.packed import listed, packed, unlisted, unpacked

REHEARSAL, DROPS = "rehearsal", "rehearsal_drops_"
ROWS, FINDINGS = "rehearsal_rows", "rehearsal_integrity"
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
        bad = tuple(f"{f.check} {f.subject}" for f in self.findings if f.ok is False)
        key = "db.copy_unsound" if bad else "db.copy_sound"
        said = text(key, names=bad)
        yield EvidenceItem(name=FINDINGS, ok=not bad, found=listed(bad), said=said)


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a rehearsal lets one expect of production; no change of rows when it was left out."""

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
            unlisted(found.get(FINDINGS, "")),
        )
