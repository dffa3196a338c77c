"""Services that answer from memory."""

from __future__ import annotations

from dataclasses import dataclass, field

from commands.domain.errors import EngineError
from commands.ports import WebAnswer

BODY_LIMIT_BYTES = 64 * 1024


@dataclass(slots=True)
class FakeWeb:
    """`Web` by URL: status and body; one that is not there does not answer. `asked` counts."""

    answers: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def get(self, url: str, timeout_s: float) -> WebAnswer:
        self.asked.append(url)
        if url not in self.answers:
            raise EngineError(url=url, why="connection refused")
        status, body = self.answers[url]
        return WebAnswer(status, body[:BODY_LIMIT_BYTES], 0.001)
