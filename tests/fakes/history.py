"""A repository in memory: one line of commits, some of them tagged."""

from __future__ import annotations

from dataclasses import dataclass, field

_MOST_COMMITS = 50


@dataclass(slots=True)
class FakeHistory:
    """`History` over `commits` (oldest first) and `tagged` (tag to index, in order of tagging)."""

    commits: list[str] = field(default_factory=list)
    tagged: dict[str, int] = field(default_factory=dict)

    def tags(self) -> tuple[str, ...]:
        return tuple(reversed(self.tagged))

    def commits_between(self, older: str, newer: str) -> tuple[str, ...]:
        if not {older, newer} <= self.tagged.keys():
            return ()
        between = self.commits[self.tagged[older] + 1 : self.tagged[newer] + 1]
        return tuple(reversed(between))[:_MOST_COMMITS]
