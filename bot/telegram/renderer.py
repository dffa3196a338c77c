"""Card → Telegram: HTML within the limits, and an inline keyboard.

Pure. Telegram has no separate line for lock screens: a phone shows how the message begins, so
`Card.plain` opens it, unless the headline already says the same.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import assert_never

from telegram import InlineKeyboardButton, InlineKeyboardMarkup
from telegram.constants import KeyboardButtonStyle

from bot.telegram.markup import Line, Span, clean, cut, fit, line, one_line, units, write
from bot.telegram.wire import PLATFORM
from commands.domain.calling import Call
from commands.domain.conversation import (
    Block,
    Button,
    ButtonStyle,
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

log = logging.getLogger(__name__)

DATA_LIMIT_BYTES = 64
MOST_BUTTONS = 24
ANSWER_LIMIT = 200
"""Characters of the answer to a press: core.telegram.org/bots/api#answercallbackquery."""
ASK_FIRST = "?"
"""Opens the callback data of a button that is asked once more before it is handed in."""

MENTIONS_MAX = 30
"""People that one message mentions; a name is at most 40 characters of the 4,096."""

_TONE = {
    Tone.NEUTRAL: "ℹ️",
    Tone.WAITING: "⏳",
    Tone.WORKING: "🔄",
    Tone.GOOD: "✅",
    Tone.WARNING: "⚠️",
    Tone.BAD: "🔴",
}
_STEP = {
    StepLook.PENDING: "▫️",
    StepLook.RUNNING: "🔄",
    StepLook.DONE: "✅",
    StepLook.FAILED: "❌",
    StepLook.IN_DOUBT: "❓",
    StepLook.SKIPPED: "⏭",
    StepLook.UNDONE: "↩️",
}
_TICK = {Tick.DONE: "✅", Tick.OPEN: "⬜️", Tick.UNKNOWN: "❔", Tick.BAD: "❌"}
_STYLE: dict[ButtonStyle, str | None] = {
    ButtonStyle.PLAIN: None,
    ButtonStyle.PRIMARY: KeyboardButtonStyle.PRIMARY,
    ButtonStyle.DANGER: KeyboardButtonStyle.DANGER,
}
_WORD = re.compile(r"[\w.-]+")
_NUMBER = re.compile(r"RB-\d+")
_SHORT_LABEL = 18
_LONG_QUOTE = 300


@dataclass(frozen=True, slots=True)
class Rendered:
    """What is sent: `html` for parse_mode HTML, and the keyboard if there are buttons."""

    html: str
    keyboard: InlineKeyboardMarkup | None


def render(card: Card) -> Rendered:
    """The whole card; what does not fit is cut from the end of its body, never its footer."""
    head, blocks = _head(card)
    body = [row for block in blocks for row in ((), *_block(block))]
    small = cut(one_line(card.footer), 300)
    foot = [*_mentions(card.call), *([(), line(Span(small, "i"))] if small else [])]
    return Rendered(write(fit(head, body, foot)), keyboard(card.buttons))


def _mentions(call: Call) -> list[Line]:
    """Telegram has no word for everybody: each is called by name, in one line."""
    named = dict.fromkeys(call.on(PLATFORM))
    spans: list[Span | str] = []
    for name, user in tuple(named)[:MENTIONS_MAX]:
        shown = Span(cut(one_line(name), 40) or user, user=user)
        spans += [", ", shown] if spans else [shown]
    return [(), line(*spans)] if spans else []


def whole_in_short(card: Card, limit: int) -> tuple[str, bool]:
    """A card as plain sentences within a limit, and whether that is all it says."""
    told = one_line(card.plain or card.headline) or "—"
    paragraphs = [one_line(b.text) for b in card.blocks if isinstance(b, Paragraph)]
    told = "\n".join([told, *(p for p in paragraphs if p not in told and told not in p)])
    is_whole = not card.buttons and len(paragraphs) == len(card.blocks) and units(told) <= limit
    return cut(told, limit), is_whole


def keyboard(buttons: tuple[Button, ...]) -> InlineKeyboardMarkup | None:
    """Two short buttons a row, a long one alone. A button that cannot be carried is left out."""
    rows: list[list[InlineKeyboardButton]] = []
    room = False
    for button in buttons[:MOST_BUTTONS]:
        data = callback_data(button)
        if data is None:
            log.error("button left out: value of %d bytes", len(button.value.encode()))
            continue
        label = cut(one_line(button.label), 64) or button.action or "•"
        shown = InlineKeyboardButton(label, callback_data=data, style=_STYLE[button.style])
        is_short = units(label) <= _SHORT_LABEL
        if is_short and room:
            rows[-1].append(shown)
            room = False
        else:
            rows.append([shown])
            room = is_short
    return InlineKeyboardMarkup(rows) if rows else None


def callback_data(button: Button) -> str | None:
    """What comes back when the button is pressed; None when Telegram would refuse it."""
    data = (ASK_FIRST if button.confirm else "") + button.value
    return data if button.value and len(data.encode()) <= DATA_LIMIT_BYTES else None


def _head(card: Card) -> tuple[list[Line], tuple[Block, ...]]:
    """The opening lines, and the blocks that are left: a sentence is not said twice."""
    tone, first = f"{_TONE[card.tone]} ", card.blocks[:1]
    headline = cut(one_line(card.headline), 256)
    plain = cut(one_line(card.plain), 400)
    if headline:
        unsaid = _unsaid(card, plain)
        number = _NUMBER.search(plain)
        if number and unsaid == {number[0].casefold()}:
            headline, unsaid = f"{headline} · {number[0]}", set()
        return [line(tone, Span(headline, "b")), *([line(plain)] if unsaid else [])], card.blocks
    match first:
        case (Paragraph(text=text, title=""),) if plain and one_line(text).startswith(plain):
            return [line(tone, cut(clean(text).strip(), 1500))], card.blocks[1:]
        case _:
            return [line(tone, plain or "—")], card.blocks


def _unsaid(card: Card, plain: str) -> set[str]:
    """The words of the plain line that headline and first paragraph do not say."""
    first = (b.text for b in card.blocks[:1] if isinstance(b, Paragraph))
    return _words(plain) - _words(" ".join((card.headline, *first)))


def _words(text: str) -> set[str]:
    return {word.strip(".-").casefold() for word in _WORD.findall(clean(text))} - {""}


def _block(block: Block) -> Iterator[Line]:
    match block:
        case Paragraph(text=text, title=title):
            yield from _titled(title)
            yield line(cut(clean(text).strip(), 1500))
        case Fields(pairs=pairs):
            for label, value in pairs:
                shown = cut(one_line(label), 64)
                yield line(Span(f"{shown}:", "b"), " ", cut(one_line(value), 300))
        case Steps(title=title, lines=steps):
            yield from _titled(title)
            yield from map(_step, steps)
        case Checklist(title=title, lines=points):
            yield from _titled(title)
            yield from map(_check, points)
        case Code(text=text, title=title):
            yield from _titled(title)
            yield line(Span(cut(clean(text).strip("\n"), 1500), "pre"))
        case Quote():
            yield from _quote(block)
        case _:
            assert_never(block)


def _titled(title: str) -> Iterator[Line]:
    if shown := cut(one_line(title), 160):
        yield line(Span(shown, "b"))


def _step(step: StepLine) -> Line:
    """Durations are minutes and seconds, which every language reads."""
    spent = "" if step.seconds is None else f" · {_clock(step.seconds)}"
    detail = cut(one_line(step.detail), 240)
    title = cut(one_line(step.title), 160)
    return line(f"{_STEP[step.look]} {title}{spent}", f" — {detail}" if detail else "")


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(max(seconds, 0.0)), 60)
    return f"{minutes}:{rest:02d}"


def _check(point: CheckLine) -> Line:
    note = cut(one_line(point.note), 200)
    title = cut(one_line(point.title), 200)
    return line(f"{_TICK[point.tick]} {title}", f" — {note}" if note else "")


def _quote(quote: Quote) -> Iterator[Line]:
    text = cut(clean(quote.text).strip(), 1000)
    is_long = units(text) > _LONG_QUOTE
    yield line(Span(text, "blockquote expandable" if is_long else "blockquote"))
    if by := cut(one_line(quote.by), 100):
        yield line(f"— {by}")
