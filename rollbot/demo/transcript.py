"""The incident channel as lines of text: what everybody sees, in the order it appears.

A live card is edited in place on a chat; on paper only what is new in it is printed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import TextIO

import click

from commands.domain.conversation import (
    Address,
    Block,
    Card,
    Checklist,
    Code,
    Fields,
    Incoming,
    MessageRef,
    Paragraph,
    Quote,
    StepLook,
    Steps,
    Tick,
    Tone,
)
from commands.domain.people import Platform

_TONES = {
    Tone.NEUTRAL: "•",
    Tone.WAITING: "⏳",
    Tone.WORKING: "⚙",
    Tone.GOOD: "✅",
    Tone.WARNING: "⚠",
    Tone.BAD: "❌",
}
_LOOKS = {
    StepLook.PENDING: "·",
    StepLook.RUNNING: "▶",
    StepLook.DONE: "✔",
    StepLook.FAILED: "✖",
    StepLook.IN_DOUBT: "?",
    StepLook.SKIPPED: "-",
    StepLook.UNDONE: "↩",
}
_TICKS = {Tick.DONE: "[x]", Tick.OPEN: "[ ]", Tick.UNKNOWN: "[?]", Tick.BAD: "[!]"}


def lines(card: Card) -> Iterator[str]:
    """A card, line by line, without colours."""
    body = [line for block in card.blocks for line in _block(block) if line]
    headline = card.headline or (body.pop(0) if body else card.plain)
    yield f"{_TONES[card.tone]} {headline}"
    yield from (f"  {line}" for line in body)
    if card.buttons:
        yield "  " + "  ".join(f"[{button.label}]" for button in card.buttons)
    if card.footer:
        yield f"  {card.footer}"


def _block(block: Block) -> Iterator[str]:
    match block:
        case Paragraph():
            yield from ([block.title] if block.title else [])
            yield from block.text.splitlines()
        case Fields():
            yield from (f"{label}: {value}" for label, value in block.pairs)
        case Steps():
            yield block.title
            for line in block.lines:
                took = f" · {line.seconds:.1f}" if line.seconds is not None else ""
                detail = f" — {line.detail}" if line.detail else ""
                yield f"{_LOOKS[line.look]} {line.title}{detail}{took}"
        case Checklist():
            yield block.title
            for point in block.lines:
                note = f" — {point.note}" if point.note else ""
                yield f"{_TICKS[point.tick]} {point.title}{note}"
        case Code():
            yield from ([block.title] if block.title else [])
            yield from (f"| {line}" for line in block.text.splitlines())
        case Quote():
            yield f"« {block.text} »" + (f" {block.by}" if block.by else "")


@dataclass(slots=True)
class Transcript:
    """The terminal's side of the `Chat` port, on paper. Never fails, forgets nothing."""

    stream: TextIO
    platform: Platform = "console"
    _ids: Iterator[int] = field(default_factory=lambda: count(1))
    _shown: dict[str, set[str]] = field(default_factory=dict)

    async def post(self, address: Address, card: Card, delivery_id: str) -> MessageRef:
        """Print a new message; the same delivery is printed once."""
        channel = address.channel.channel
        if delivery_id not in self._shown:
            name = f"@{address.person.user}" if address.person else f"#{channel}"
            self._print(f"{'↳' if address.thread else '→'} {name}", list(lines(card)))
            self._shown[delivery_id] = set(lines(card))
        return MessageRef(platform="console", channel=channel, message_id=delivery_id)

    async def update(self, message: MessageRef, card: Card) -> None:
        """Print what this edit adds to what was shown of the message."""
        shown = self._shown.setdefault(message.message_id, set())
        fresh = [line for line in lines(card) if line not in shown]
        shown.update(fresh)
        if fresh:
            self._print(f"✎ {card.headline}", fresh)

    async def whisper(self, incoming: Incoming, card: Card) -> None:
        """Print what only the sender sees."""
        self._print(f"→ @{incoming.identity.user}", list(lines(card)))

    def said(self, name: str, words: str) -> None:
        """Print what somebody typed."""
        click.secho(f"\n  {name}: /rollback {words}", file=self.stream, bold=True)

    def _print(self, to: str, printed: list[str]) -> None:
        click.secho(f"    {to}", file=self.stream, dim=True)
        for line in printed:
            click.echo(f"    │ {line}", file=self.stream)
