"""How many messages a chat still takes, and what is kept back for the words that matter.

Telegram: one message a second to a chat, with short bursts, and 20 a minute to a group
(https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this). Whoever exceeds
that is refused everything for half a minute, so it is counted here and never tried.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from bot.telegram.wire import PLATFORM
from commands.domain.errors import ChatError

RESERVE: Final = 2
"""Messages that progress leaves for a final state and its announcement."""

LOOK_AGAIN_S: Final = 1.0
"""What is refused for the reserve's sake alone is soon asked again: by then it may be the end."""


@dataclass(frozen=True, slots=True)
class Rate:
    """A bucket of `burst` messages that refills in `refill_s` seconds.

    Into any span of `s` seconds it lets at most `burst + s * burst / refill_s` messages.
    """

    burst: int
    refill_s: float


ANY_CHAT: Final = Rate(4, 4.0)
GROUP: Final = Rate(8, 40.0)
"""At most 8 + 12 = 20 in any minute. (A bucket of 20 a minute lets nearly 40 into its first.)"""


@dataclass(slots=True)
class Bucket:
    """What is left of a rate, at a moment of the monotonic clock."""

    rate: Rate
    left: float
    at: float

    def wait_s(self, now: float, needed: int) -> float:
        """Seconds until `needed` messages are there; 0 when they are."""
        per_second = self.rate.burst / self.rate.refill_s
        self.left = min(self.rate.burst, self.left + (now - self.at) * per_second)
        self.at = now
        return max(needed - self.left, 0.0) / per_second


class Budget:
    """Counts messages per chat. Asked before each; never waits itself."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._chats: dict[int, tuple[Bucket, ...]] = {}

    def take(self, chat_id: int, *, reserve: int = 0) -> None:
        """Count one message, leaving `reserve` for later ones (in groups).

        Raises ChatError with `retry_after_s` when it would be one too many.
        """
        now = self._now()
        buckets = self._buckets(chat_id, now)
        wait_s = max(bucket.wait_s(now, 1) for bucket in buckets)
        if reserve and not wait_s:
            kept = (b.wait_s(now, 1 + reserve) for b in buckets if b.rate is GROUP)
            wait_s = min(max(kept, default=0.0), LOOK_AGAIN_S)
        if wait_s > 0:
            raise ChatError(PLATFORM, "its limit for this chat is used up", retry_after_s=wait_s)
        for bucket in buckets:
            bucket.left -= 1

    def _buckets(self, chat_id: int, now: float) -> tuple[Bucket, ...]:
        if chat_id not in self._chats:
            rates = (ANY_CHAT, GROUP) if chat_id < 0 else (ANY_CHAT,)
            self._chats[chat_id] = tuple(Bucket(rate, rate.burst, now) for rate in rates)
        return self._chats[chat_id]
