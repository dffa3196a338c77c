"""Response URLs: the shortest way back to somebody who just typed or pressed.

docs.slack.dev/interactivity/handling-user-interaction: five answers within thirty minutes. They are
kept in memory alone; after a restart an answer goes by the channel or a direct message instead.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from commands.ports import Clock

USES_MAX = 4
LIFE = timedelta(minutes=25)
KEPT_MAX = 5000


@dataclass(frozen=True, slots=True)
class _ResponseUrl:
    url: str
    until: datetime
    uses: int


class Replies:
    """Which response URL belongs to which incoming event."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: dict[str, _ResponseUrl] = {}

    def remember(self, delivery_id: str, url: str) -> None:
        """Keep the URL of an event; an event that comes twice keeps its first one."""
        while len(self._kept) >= KEPT_MAX:
            self._kept.pop(next(iter(self._kept)))
        until = self._clock.now() + LIFE
        self._kept.setdefault(delivery_id, _ResponseUrl(url, until, uses=0))

    def take(self, delivery_id: str) -> str | None:
        """One use of the event's URL; None when there is none or it is used up."""
        found = self._kept.get(delivery_id)
        if found is None or found.uses >= USES_MAX or self._clock.now() > found.until:
            self._kept.pop(delivery_id, None)
            return None
        self._kept[delivery_id] = replace(found, uses=found.uses + 1)
        return found.url
