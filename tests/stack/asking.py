"""A client that never stops asking: what users saw of a rollback, second by second."""

from __future__ import annotations

import http.client
import threading
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Answer:
    """One request: when it was asked (monotonic), how long it took, what came back."""

    asked_s: float
    took_s: float
    status: int
    """0 when nobody answered."""
    retry_after: str
    body: str
    """The first hundred characters."""


class Asking:
    """Asks one address again and again, each time on a new connection, while the block runs."""

    def __init__(self, url: str, *, method: str = "GET", every_s: float = 0.02) -> None:
        self._to = urlsplit(url)
        self._method = method
        self._every_s = every_s
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._ask_on, daemon=True)
        self.answers: list[Answer] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join(timeout=60)

    @property
    def statuses(self) -> Counter[int]:
        """Status -> how often it came."""
        return Counter(answer.status for answer in self.answers)

    @property
    def phases(self) -> list[int]:
        """The statuses in the order in which they came, neighbours that are alike told once."""
        told: list[int] = []
        for answer in self.answers:
            if told[-1:] != [answer.status]:
                told.append(answer.status)
        return told

    def between(self, begun_at: datetime, ended_at: datetime) -> set[int]:
        """The statuses of what was both asked and answered in that time."""
        now, now_s = datetime.now(UTC), time.monotonic()
        begun_s, ended_s = (now_s - (now - at).total_seconds() for at in (begun_at, ended_at))
        return {
            answer.status
            for answer in self.answers
            if begun_s < answer.asked_s and answer.asked_s + answer.took_s < ended_s
        }

    @property
    def slowest(self) -> Answer:
        """The request that was kept waiting longest."""
        return max(self.answers, key=lambda answer: answer.took_s)

    def longest_without(self, status: int) -> float:
        """The longest time in seconds between two answers of this status."""
        moments = [a.asked_s + a.took_s for a in self.answers if a.status == status]
        return max((later - earlier for earlier, later in pairwise(moments)), default=float("inf"))

    def _ask_on(self) -> None:
        while not self._ended.is_set():
            self.answers.append(self._ask())
            self._ended.wait(self._every_s)

    def _ask(self) -> Answer:
        link = http.client.HTTPConnection(str(self._to.hostname), self._to.port, timeout=30)
        asked = time.monotonic()
        try:
            link.request(self._method, self._to.path or "/", headers={"Connection": "close"})
            answer = link.getresponse()
            body = answer.read().decode(errors="replace")[:100]
        except (OSError, http.client.HTTPException):
            return Answer(asked, time.monotonic() - asked, 0, "", "")
        finally:
            link.close()
        retry_after = answer.headers.get("Retry-After", "")
        return Answer(asked, time.monotonic() - asked, answer.status, retry_after, body)
