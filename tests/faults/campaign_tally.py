"""What a campaign found: one line, and whether it holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

RESUME_P95_S = 15.0
"""How soon a rollback goes on, once its worker is back on that host that is rollbot's alone."""

BUSY = 5
"""So many times as long may things take where other tests run beside."""


@dataclass(slots=True)
class Tally:
    """Points struck, and every wrong thing by name. `resumes_s`: strike to next progress."""

    name: str
    points: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    overlaps: list[str] = field(default_factory=list)
    resumes_s: list[float] = field(default_factory=list)
    by_victim: dict[str, int] = field(default_factory=dict)

    @property
    def resume_p95_s(self) -> float:
        """0.0 when nothing had to go on."""
        return percentile(self.resumes_s, 0.95)

    @property
    def holds(self) -> bool:
        """Nothing lost, nothing doubled, no overlap, and it goes on in time."""
        return self.holds_within(RESUME_P95_S)

    def holds_within(self, resume_p95_s: float) -> bool:
        """Like `holds`, with another limit for going on."""
        wrong = self.lost or self.doubled or self.overlaps
        return not wrong and self.resume_p95_s <= resume_p95_s

    def struck(self, victim: str) -> None:
        """One more point."""
        self.points += 1
        self.by_victim[victim] = self.by_victim.get(victim, 0) + 1

    def line(self) -> str:
        """The campaign in one line."""
        among = ", ".join(f"{name} {count}" for name, count in sorted(self.by_victim.items()))
        return (
            f"{self.name}: {self.points} points, {len(self.lost)} lost, "
            f"{len(self.doubled)} doubled, {len(self.overlaps)} overlaps, "
            f"resume p95 {self.resume_p95_s:.1f} s" + (f" ({among})" if among else "")
        )

    def complaints(self) -> list[str]:
        """Every wrong thing, for whoever must find out why."""
        named = (("lost", self.lost), ("doubled", self.doubled), ("overlap", self.overlaps))
        return [f"  {what}: {why}" for what, found in named for why in found]


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` of all values do not exceed; 0.0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
