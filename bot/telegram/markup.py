"""Styled text for Telegram: cleaned, measured, trimmed, then written as HTML.

Limits: https://core.telegram.org/bots/api#sendmessage (1-4096 characters after entity parsing) and
100 entities a message, past which Telegram drops styles silently. Lengths are counted in UTF-16
units, as Telegram counts offsets; that is never less than its characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal, TypeAlias

TEXT_LIMIT = 4096
ENTITY_LIMIT = 100
ELLIPSIS = "…"

Style: TypeAlias = Literal["", "b", "i", "code", "pre", "blockquote", "blockquote expandable"]

# Control characters, and the marks that turn the direction of a line and so disguise words.
_UNWANTED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_BLANK_LINES = re.compile(r"\n{3,}")


@dataclass(frozen=True, slots=True)
class Span:
    """A run of text in one style. Its text is clean; it is escaped only when written.

    `user` is the account that it mentions: a link that rings
    (core.telegram.org/bots/api#html-style).
    """

    text: str
    style: Style = ""
    user: str = ""


Line: TypeAlias = tuple[Span, ...]


def units(text: str) -> int:
    """Length as Telegram counts it."""
    return len(text) + sum(character > "\uffff" for character in text)


def clean(text: str) -> str:
    """Text that Telegram shows as it is: no controls, no lone surrogates, no turned lines."""
    sound = text.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "replace").decode()
    return _BLANK_LINES.sub("\n\n", _UNWANTED.sub("", sound))


def one_line(text: str) -> str:
    """Clean text without line breaks."""
    return " ".join(clean(text).split())


def cut(text: str, limit: int) -> str:
    """At most `limit` units; what is longer ends in an ellipsis. Whole characters only."""
    if units(text) <= limit:
        return text
    if limit < 1:
        return ""
    left, kept = limit - 1, 0
    for character in text:
        left -= 2 if character > "\uffff" else 1
        if left < 0:
            break
        kept += 1
    return text[:kept].rstrip() + ELLIPSIS


def line(*spans: Span | str) -> Line:
    """A line of spans; a bare string is unstyled. Empty spans vanish."""
    every = (span if isinstance(span, Span) else Span(span) for span in spans)
    return tuple(span for span in every if span.text)


def length(lines: Sequence[Line]) -> int:
    """Units of some lines with the breaks between them."""
    return sum(units(span.text) for row in lines for span in row) + max(len(lines) - 1, 0)


def fit(head: Sequence[Line], body: Sequence[Line], foot: Sequence[Line]) -> list[Line]:
    """All lines, the body trimmed from its end until the message is within the limit."""
    left = TEXT_LIMIT - length(head) - length(foot) - 2
    kept: list[Line] = []
    for row in body:
        needed = length([row]) + 1
        if needed + len(ELLIPSIS) + 1 <= left:
            kept.append(row)
            left -= needed
            continue
        kept.append(_shortened(row, left - 1))
        break
    return [*head, *kept, *foot]


def write(lines: Iterable[Line]) -> str:
    """HTML of some lines; styles beyond what Telegram keeps are left out."""
    styled, rows = 0, []
    for row in lines:
        parts = []
        for span in row:
            styled += bool(span.style or span.user)
            parts.append(_element(span if styled <= ENTITY_LIMIT else Span(span.text)))
        rows.append("".join(parts))
    return "\n".join(rows)


def _shortened(row: Line, limit: int) -> Line:
    kept: list[Span] = []
    for span in row:
        text = cut(span.text, limit)
        if text:
            kept.append(Span(text, span.style, span.user))
        limit -= units(text)
        if text != span.text:
            return tuple(kept)
    return (*kept, Span(ELLIPSIS))


def _element(span: Span) -> str:
    inside = escape(span.text, quote=False)
    if span.user.isdecimal() and span.text.strip():
        return f'<a href="tg://user?id={span.user}">{inside}</a>'
    if not span.style or not span.text.strip():
        return inside
    return f"<{span.style}>{inside}</{span.style.partition(' ')[0]}>"
