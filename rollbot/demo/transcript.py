"""The incident channel on one sheet: what everybody sees, in the order it appears.

The terminal chat (`bot.console`) is one person's; this one also shows what others are sent
directly. A live card is edited in place on a chat; here only what is new in it is printed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TextIO

import click

from bot.console.renderer import lines
from commands.domain.conversation import Address, Button, Card, Incoming, MessageRef
from commands.domain.people import Platform


@dataclass(slots=True)
class Transcript:
    """The terminal's side of the `Chat` port, on paper. `buttons` are those printed last."""

    stream: TextIO
    platform: Platform = "console"
    buttons: tuple[Button, ...] = ()
    _shown: dict[str, set[str]] = field(default_factory=dict)

    async def post(self, address: Address, card: Card, delivery_id: str) -> MessageRef:
        """Print a new message; the same delivery is printed once."""
        channel = address.channel.channel
        if delivery_id not in self._shown:
            name = f"@{address.person.user}" if address.person else f"#{channel}"
            self._shown[delivery_id] = set()
            self._print(f"{'↳' if address.thread else '→'} {name}", card, delivery_id)
        return MessageRef(platform="console", channel=channel, message_id=delivery_id)

    async def update(self, message: MessageRef, card: Card) -> None:
        """Print what this edit adds to what was shown of the message."""
        self._print(f"✎ {card.headline}", card, message.message_id)

    async def whisper(self, incoming: Incoming, card: Card) -> None:
        """Print what only the sender sees."""
        self._print(f"→ @{incoming.identity.user}", card, incoming.delivery_id)

    def said(self, name: str, words: str) -> None:
        """Print what somebody typed."""
        click.secho(f"\n  {name}: {words}", file=self.stream, bold=True)

    def _print(self, to: str, card: Card, message_id: str) -> None:
        shown = self._shown.setdefault(message_id, set())
        fresh = [line for line in _sheet(card) if line not in shown]
        shown.update(fresh)
        if card.buttons:
            self.buttons = card.buttons
        if fresh:
            click.secho(f"    {to}", file=self.stream, dim=True)
        for line in fresh:
            click.echo(f"    │ {line}", file=self.stream)


def _sheet(card: Card) -> Iterator[str]:
    yield from (line for line in lines(card) if line.strip())
    if card.buttons:
        yield "  " + "  ".join(f"[{n} {b.label}]" for n, b in enumerate(card.buttons, start=1))
