"""The `Chat` port on a terminal. An edit prints only the lines that changed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TextIO

from bot.console.renderer import lines
from commands.domain.conversation import Address, Button, Card, Incoming, MessageRef
from commands.domain.people import Platform

BOLD, PLAIN = "\x1b[1m", "\x1b[0m"


@dataclass(slots=True)
class ConsoleChat:
    """Prints cards one after another; remembers the buttons that were shown last."""

    stream: TextIO
    platform: Platform = "console"
    buttons: tuple[Button, ...] = ()
    _shown: dict[str, tuple[str, ...]] = field(default_factory=dict)

    async def post(self, address: Address, card: Card, delivery_id: str) -> MessageRef:
        """Print a card. Direct messages of other people are not for this terminal's eyes."""
        self._shown[delivery_id] = lines(card)
        if address.person is None:
            self.show(card)
        channel = address.channel.channel
        return MessageRef(platform="console", channel=channel, message_id=delivery_id)

    async def update(self, message: MessageRef, card: Card) -> None:
        """Print what changed since the card was shown last."""
        before = set(self._shown.get(message.message_id, ()))
        now = lines(card)
        self._shown[message.message_id] = now
        changed = [line for line in now if line not in before]
        if not changed:
            return
        self._write([f"· {card.headline}", *(line for line in changed if line.strip())])
        self._offer(card)

    async def whisper(self, incoming: Incoming, card: Card) -> None:
        """Answer whoever sits here."""
        del incoming
        self.show(card)

    def show(self, card: Card) -> None:
        """Print a whole card with the words for its buttons."""
        self._write(["", *lines(card)])
        self._offer(card)

    def _offer(self, card: Card) -> None:
        if not card.buttons:
            return
        self.buttons = card.buttons
        for number, button in enumerate(card.buttons, start=1):
            verb, _, rollback, nonce = button.value.split(":")
            words = f"{verb} {rollback} {nonce}" if "tick" in verb else f"{verb} {rollback}"
            self.stream.write(f"  [{number}] {button.label} — {words}\n")
        self.stream.flush()

    def _write(self, said: list[str]) -> None:
        """The first words stand out where a person reads them; a pipe gets plain text."""
        first = next((index for index, line in enumerate(said) if line.strip()), None)
        for index, line in enumerate(said):
            strong = self.stream.isatty() and index == first
            self.stream.write(f"{BOLD}{line}{PLAIN}\n" if strong else f"{line}\n")
        self.stream.flush()
