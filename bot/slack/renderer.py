"""A `Card` as Block Kit, within every limit of Slack.

Limits: docs.slack.dev/reference/block-kit (November 2026) and `facts` measured for a whole message.
What does not fit is cut with an ellipsis; the whole text is in the audit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bot.slack.buttons import action_rows
from bot.slack.markup import ELLIPSIS, clean, code, fit, linked, mrkdwn, units
from bot.slack.objects import BLANK, Json, marked, plain, section
from bot.slack.steps import plan_block, step_lines
from bot.slack.wire import PLATFORM
from commands.domain.calling import Call
from commands.domain.conversation import (
    Block,
    Card,
    Checklist,
    Code,
    Fields,
    Paragraph,
    Quote,
    Steps,
    Tick,
    Tone,
)

NOTICE_MAX = 3000
"""Characters of `text`, the line that phones notify with; Slack cuts an edit at 4,000."""
SECTION_MAX = 3000
FIELD_MAX = 2000
FIELDS_MAX = 10
HEADER_MAX = 150
BLOCKS_MAX = 50
MESSAGE_MAX = 13_000
"""Characters of all blocks; above about 13,200 Slack answers `msg_blocks_too_long`."""
MENTIONS_MAX = 100
"""Accounts that one message mentions."""

_USER = re.compile(r"[UW][A-Z0-9]+")
_TONES = {
    Tone.NEUTRAL: "⚪",
    Tone.WAITING: "🟡",
    Tone.WORKING: "🔵",
    Tone.GOOD: "🟢",
    Tone.WARNING: "🟠",
    Tone.BAD: "🔴",
}
_TICKS = {Tick.DONE: "✅", Tick.OPEN: "⬜", Tick.UNKNOWN: "❔", Tick.BAD: "❌"}


@dataclass(frozen=True, slots=True)
class Rendered:
    """What `chat.postMessage` takes: `text` for notifications, `blocks` for the channel."""

    text: str
    blocks: list[Json]


def render(card: Card, *, plan_blocks: bool = False) -> Rendered:
    """The card, head and buttons first: when room is short, it is the middle that is cut."""
    head = _head(card)
    foot = [*action_rows(card.buttons), *_footer(card.footer)]
    spent = sum(map(_cost, [*head, *foot]))
    middle = _within(
        (piece for block in card.blocks for piece in _pieces(block, plan_blocks=plan_blocks)),
        blocks=BLOCKS_MAX - len(head) - len(foot),
        characters=MESSAGE_MAX - spent,
    )
    whole = [*head, *middle, *foot] or [section(_notice(card))]
    if not head:
        _mark(whole, _TONES[card.tone])
    return Rendered(_notice(card), whole)


def render_plainly(card: Card) -> Rendered:
    """Only words: what is sent when Slack refuses the blocks, so that the news still arrives."""
    return Rendered(" ".join(filter(None, (_mentions(card.call), _notice(card)))), [])


def _mentions(call: Call) -> str:
    """Slack rings for these in a text (docs.slack.dev/messaging/formatting-message-text)."""
    if call.everybody:
        return f"<!{call.everybody}>"
    named = (f"<@{user}>" for _, user in call.on(PLATFORM) if _USER.fullmatch(user))
    return " ".join(tuple(dict.fromkeys(named))[:MENTIONS_MAX])


def _notice(card: Card) -> str:
    words = (fit(line, NOTICE_MAX, mrkdwn).strip() for line in (card.plain, card.headline))
    return next(filter(None, words), BLANK)


def _mark(blocks: list[Json], tone: str) -> None:
    """An answer without a headline carries its tone before its first words."""
    first = blocks[0].get("text")
    if first and units(first["text"]) < SECTION_MAX - len(f"{tone} ") - 1:
        first["text"] = f"{tone} {first['text']}"


def _head(card: Card) -> list[Json]:
    mentions = _mentions(card.call)
    called = [section(mentions)] if mentions else []
    if not clean(card.headline).strip():
        return called
    headline = f"{_TONES[card.tone]} {clean(card.headline).strip()}"
    head = [{"type": "header", "text": plain(headline, HEADER_MAX)}]
    if units(headline) > HEADER_MAX:
        head.append(section(fit(card.headline, SECTION_MAX, mrkdwn)))
    return [*head, *called]


def _footer(footer: str) -> list[Json]:
    small = fit(footer, FIELD_MAX, linked)
    return [{"type": "context", "elements": [marked(small)]}] if small.strip() else []


def _within(pieces: Iterable[Json], *, blocks: int, characters: int) -> list[Json]:
    """As many pieces as there is room for; the last one says when something is left out."""
    taken: list[Json] = []
    characters -= len(ELLIPSIS)
    for piece in pieces:
        cost = _cost(piece)
        if len(taken) + 1 >= blocks or cost > characters:
            return [*taken, section(ELLIPSIS)]
        taken.append(piece)
        characters -= cost
    return taken


def _pieces(block: Block, *, plan_blocks: bool) -> Iterator[Json]:
    match block:
        case Paragraph(text, title):
            yield _titled(title, fit(text, SECTION_MAX - 200, linked))
        case Fields(pairs):
            yield from _fields(pairs)
        case Steps(_, lines) if plan_blocks and lines:
            yield plan_block(block)
        case Steps(title, _):
            yield _titled(title, _joined(step_lines(block), SECTION_MAX - 200))
        case Checklist(title, _):
            yield _titled(title, _checklist_text(block))
        case Code(text, title):
            fenced = fit(_stripped(text), SECTION_MAX - 300, code) or BLANK
            yield _titled(title, f"```\n{fenced}\n```")
        case Quote(text, by):
            yield _quote(text, by)


def _stripped(text: str) -> str:
    return text.strip("\n")


def _titled(title: str, body: str) -> Json:
    bold = fit(title, 150, mrkdwn).strip().replace("\n", " ")
    lines = [f"*{bold}*" if bold else "", body.strip()]
    return section("\n".join(line for line in lines if line))


def _fields(pairs: tuple[tuple[str, str], ...]) -> Iterator[Json]:
    shown = [
        marked(f"*{fit(label, 150, mrkdwn).strip() or BLANK}*\n{fit(value, 600, mrkdwn)}")
        for label, value in pairs
    ]
    for first in range(0, len(shown), FIELDS_MAX):
        yield {"type": "section", "fields": shown[first : first + FIELDS_MAX]}


def _checklist_text(checklist: Checklist) -> str:
    lines = []
    for line in checklist.lines:
        note = f" · {fit(line.note, 200, mrkdwn)}" if line.note else ""
        lines.append(f"{_TICKS[line.tick]} {fit(line.title, 200, mrkdwn)}{note}")
    return _joined(lines, SECTION_MAX - 200)


def _quote(text: str, by: str) -> Json:
    """Somebody's words as plain text: nothing in them can format, link or mention."""
    author = f"\n— {fit(by, 150)}" if by else ""
    return {"type": "section", "text": plain(f"«{fit(text, 2_500)}»{author}", SECTION_MAX)}


def _joined(lines: list[str], limit: int) -> str:
    """As many whole lines as fit `limit` units, and an ellipsis for the rest."""
    taken, spent = [], 0
    for line in lines:
        spent += units(line) + 1
        if spent + len(ELLIPSIS) > limit:
            taken.append(ELLIPSIS)
            break
        taken.append(line)
    return "\n".join(taken)


def _cost(node: object) -> int:
    """Characters of all texts of a block."""
    if isinstance(node, list):
        return sum(map(_cost, node))
    if not isinstance(node, dict):
        return 0
    own = sum(units(v) for k, v in node.items() if k in {"text", "title"} and isinstance(v, str))
    return own + sum(_cost(v) for v in node.values() if isinstance(v, dict | list))
