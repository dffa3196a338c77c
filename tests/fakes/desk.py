"""A desk that only remembers: what listeners handed in, and what it was told to answer."""

from __future__ import annotations

import asyncio

from commands.domain.conversation import Card, Incoming, Suggestions, Tone
from commands.domain.people import Identity, Language
from commands.domain.runbook import Channel


class RecordingDesk:
    """Accepts every delivery once. With `failure` set it accepts nothing and raises it."""

    def __init__(self) -> None:
        self.accepted: list[Incoming] = []
        self.offered: Suggestions | None = Suggestions(
            environment="production",
            services=("api", "worker"),
            versions={"api": (("v1.2.3", "3 дня"), ("v1.2.2", ""))},
        )
        self.failure: Exception | None = None
        self.language: Language = "ru"
        self.repeats = 0
        self._changed = asyncio.Condition()
        self._attempted = asyncio.Event()

    async def accept(self, incoming: Incoming) -> bool:
        """False for a delivery seen before."""
        if self.failure is not None:
            self._attempted.set()
            raise self.failure
        async with self._changed:
            is_new = all(incoming.delivery_id != seen.delivery_id for seen in self.accepted)
            if is_new:
                self.accepted.append(incoming)
            else:
                self.repeats += 1
            self._changed.notify_all()
        return is_new

    def refusal(self, error: Exception, incoming: Incoming) -> Card:
        words = f"не принято: {type(error).__name__}"
        return Card(plain=words, headline=words, tone=Tone.BAD)

    async def suggestions(self, channel: Channel) -> Suggestions | None:
        if self.failure is not None:
            raise self.failure
        return self.offered

    def language_of(self, identity: Identity, home: Channel) -> Language:
        return self.language

    async def heard(self, count: int = 1, within_s: float = 60.0) -> Incoming:
        """Wait until `count` deliveries were accepted; the newest of them."""
        async with asyncio.timeout(within_s), self._changed:
            await self._changed.wait_for(lambda: len(self.accepted) >= count)
        return self.accepted[count - 1]

    async def tried(self, within_s: float = 60.0) -> None:
        """Wait until something was handed in while `failure` was set."""
        await asyncio.wait_for(self._attempted.wait(), within_s)
