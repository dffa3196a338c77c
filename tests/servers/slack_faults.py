"""What can go wrong between us and Slack, and how fast Slack lets us speak."""

from __future__ import annotations

import math
import time
from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum


class Fault(StrEnum):
    """How a call goes wrong."""

    RATE_LIMITED = "ratelimited"
    SERVER_ERROR = "server_error"
    RESET = "reset"
    """The connection breaks and nothing was done."""
    REPLY_LOST = "reply_lost"
    """It was done, and the connection breaks before the answer."""


@dataclass(slots=True)
class Faults:
    """Faults that wait for their call, by method; `*` is any method."""

    waiting: dict[str, deque[Fault]] = field(default_factory=dict)
    retry_after_s: int = 1
    refused_blocks: set[str] = field(default_factory=set)
    """Block types that this workspace answers `invalid_blocks` to."""

    def next(self, method: str, fault: Fault, times: int = 1) -> None:
        """The next `times` calls of `method` go wrong."""
        self.waiting.setdefault(method, deque()).extend([fault] * times)

    def take(self, method: str) -> Fault | None:
        for name in (method, "*"):
            if queue := self.waiting.get(name):
                return queue.popleft()
        return None


@dataclass(slots=True)
class Rates:
    """Slack's limits: posts per channel, edits per app and workspace.

    docs.slack.dev/apis/web-api/rate-limits: one message per second and channel, short bursts
    tolerated (`post_burst`); `chat.update` is tier 3, 50 a minute, held to only when `strict`.
    """

    strict: bool = False
    post_burst: int = 5
    updates_a_minute: int = 50
    refused: int = 0
    _said: dict[str, deque[float]] = field(default_factory=dict)

    def wait_s(self, method: str, channel: str) -> int:
        """Whole seconds to wait before this call, 0 when it may pass (and is counted)."""
        if method == "chat.postMessage":
            burst = 1 if self.strict else self.post_burst
            wait = self._window(f"post {channel}", burst, float(burst))
        elif method == "chat.update" and self.strict:
            wait = self._window("update", self.updates_a_minute, 60.0)
        else:
            wait = 0
        self.refused += wait > 0
        return wait

    def _window(self, key: str, limit: int, window_s: float) -> int:
        now = time.monotonic()
        said = self._said.setdefault(key, deque())
        while said and now - said[0] >= window_s:
            said.popleft()
        if len(said) >= limit:
            return max(1, math.ceil(window_s - (now - said[0])))
        said.append(now)
        return 0
