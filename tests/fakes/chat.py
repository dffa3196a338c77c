"""A chat in memory, true to the Chat port: what was posted, edited, whispered, and what fails."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from commands.domain.conversation import Address, Card, Incoming, MessageRef
from commands.domain.errors import ChatError, ChatGoneError
from commands.domain.people import Platform


@dataclass(slots=True)
class Posted:
    """One message; `cards` are all it has shown, oldest first."""

    reference: MessageRef
    address: Address
    cards: list[Card]
    gone: bool = False

    @property
    def card(self) -> Card:
        return self.cards[-1]


@dataclass(slots=True)
class FakeChat:
    """Keeps what it was given. `failures` are raised first, one a call, oldest first."""

    platform: Platform = "console"
    posts: list[Posted] = field(default_factory=list)
    whispers: list[tuple[Incoming, Card]] = field(default_factory=list)
    failures: list[ChatError] = field(default_factory=list)
    lose_answers: int = 0
    """The next posts are carried out, and the caller is told that they failed."""
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    delivered: dict[str, MessageRef] = field(default_factory=dict)

    async def post(self, address: Address, card: Card, delivery_id: str) -> MessageRef:
        """Keep a card; a delivery that is known is not repeated."""
        self._fail_if_told()
        if delivery_id in self.delivered:
            return self.delivered[delivery_id]
        channel = address.person.user if address.person else address.channel.channel
        reference = MessageRef(
            platform=self.platform, channel=channel, message_id=str(len(self.posts) + 1)
        )
        self.posts.append(Posted(reference, address, [card]))
        await self._announce()
        if self.lose_answers:
            self.lose_answers -= 1
            raise ChatError(self.platform, "the answer was lost")
        self.delivered[delivery_id] = reference
        return reference

    async def update(self, message: MessageRef, card: Card) -> None:
        """Raises ChatGoneError when the message was deleted."""
        self._fail_if_told()
        posted = self.find(message)
        if posted is None or posted.gone:
            self.delivered = {d: r for d, r in self.delivered.items() if r != message}
            raise ChatGoneError(self.platform, "message not found")
        if card != posted.card:
            posted.cards.append(card)
        await self._announce()

    async def whisper(self, incoming: Incoming, card: Card) -> None:
        self._fail_if_told()
        self.whispers.append((incoming, card))
        await self._announce()

    def find(self, message: MessageRef) -> Posted | None:
        return next((p for p in self.posts if p.reference == message), None)

    def _fail_if_told(self) -> None:
        if self.failures:
            raise self.failures.pop(0)

    async def _announce(self) -> None:
        async with self.changed:
            self.changed.notify_all()
