"""Card to terminal text: plain lines, colour only where the reader is a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from commands.domain.conversation import (
    Block,
    Card,
    CheckLine,
    Checklist,
    Code,
    Fields,
    Paragraph,
    Quote,
    StepLine,
    StepLook,
    Steps,
    Tick,
    Tone,
)

WIDTH = 100
TONE_MARKS = {
    Tone.NEUTRAL: "·",
    Tone.WAITING: "⏳",
    Tone.WORKING: "▶",
    Tone.GOOD: "✅",
    Tone.WARNING: "⚠️",
    Tone.BAD: "❌",
}
STEP_MARKS = {
    StepLook.PENDING: "○",
    StepLook.RUNNING: "▶",
    StepLook.DONE: "✓",
    StepLook.FAILED: "✗",
    StepLook.IN_DOUBT: "?",
    StepLook.SKIPPED: "–",
    StepLook.UNDONE: "↺",
}
TICK_MARKS = {Tick.DONE: "☑", Tick.OPEN: "☐", Tick.UNKNOWN: "?", Tick.BAD: "✗"}


def lines(card: Card) -> tuple[str, ...]:
    """The whole card, without its buttons."""
    mark = TONE_MARKS[card.tone]
    found = [f"{mark} {card.headline}"] if card.headline else []
    for block in card.blocks:
        body = list(_block(block))
        if not found and body:
            body[0] = f"{mark} {body[0].lstrip()}"
        found += body
    if card.footer:
        found += _wrapped(card.footer)
    return tuple(printable(line) for line in found)


def step_line(line: StepLine) -> str:
    """One step: mark, title, how long, what went wrong."""
    took = "" if line.seconds is None else f" ({clock(line.seconds)})"
    detail = f" — {line.detail}" if line.detail else ""
    return f"  {STEP_MARKS[line.look]} {line.title}{took}{detail}"


def clock(seconds: float) -> str:
    """`1:05`, minutes and seconds: reads the same in every language."""
    whole = max(0, round(seconds))
    return f"{whole // 60}:{whole % 60:02d}"


def printable(said: str) -> str:
    """Control characters out: nobody's words may move the cursor."""
    return "".join(c if c.isprintable() else " " for c in said)


def _block(block: Block) -> Iterator[str]:
    match block:
        case Paragraph(text=text, title=title):
            yield from _titled(title)
            for line in text.splitlines():
                yield from _wrapped(line)
        case Quote(text=text, by=by):
            yield from _wrapped(f"«{text}» — {by}" if by else f"«{text}»")
        case Fields(pairs=pairs):
            for label, value in pairs:
                yield from _wrapped(f"{label}: {value}")
        case Code(text=text, title=title):
            yield from _titled(title)
            yield from (f"    {line}" for line in text.splitlines())
        case Steps(title=title, lines=steps):
            yield from _titled(title)
            yield from (step_line(line) for line in steps)
        case Checklist(title=title, lines=points):
            yield from _titled(title)
            yield from (_point(point) for point in points)


def _titled(title: str) -> Iterator[str]:
    if title:
        yield f"  {title}:"


def _point(point: CheckLine) -> str:
    note = f" — {point.note}" if point.note else ""
    return f"  {TICK_MARKS[point.tick]} {point.title}{note}"


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent="  ",
        subsequent_indent="    ",
        break_long_words=False,
        break_on_hyphens=False,
    )
