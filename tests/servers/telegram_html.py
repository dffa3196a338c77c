"""Telegram's HTML style, read strictly.

Rules: https://core.telegram.org/bots/api#html-style. Telegram itself forgives a lone `&` or `>`;
here they are reported as `Parsed.complaints`, because the documentation asks for them escaped.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field

from tests.servers.telegram_model import Json, utf16_length

_KINDS = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "tg-spoiler": "spoiler",
    "span": "spoiler",
    "a": "text_link",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
    "tg-emoji": "custom_emoji",
}
_ATTRIBUTES = {
    "span": re.compile(r'class="tg-spoiler"'),
    "a": re.compile(r'href="(?P<url>[^"<>]*)"'),
    "code": re.compile(r'(class="language-[^"<>]*")?'),
    "blockquote": re.compile(r"(expandable)?"),
    "tg-emoji": re.compile(r'emoji-id="\d+"'),
}
_PIECE = re.compile(
    r"<(?P<close>/?)(?P<tag>[a-zA-Z][a-zA-Z0-9-]*)(?P<attributes>(?:\s[^<>]*)?)>"
    r"|&(?P<entity>lt|gt|amp|quot|#\d+|#x[0-9a-fA-F]+);"
    r"|(?P<text>[^<&]+)"
    r"|(?P<stray>[<&])"
)
_OPAQUE = {"code", "pre"}


class HtmlError(Exception):
    """The text cannot be parsed; `str()` is Telegram's own wording."""


@dataclass(slots=True)
class Parsed:
    """A message after entity parsing; what is counted against 4,096 is `text`."""

    text: str = ""
    entities: list[Json] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Open:
    tag: str
    entity: Json


def parse_html(source: str) -> Parsed:
    """Turn markup into text and entities.

    Raises `HtmlError` for what Telegram refuses: an unknown or unclosed tag, a wrong order of
    closing, an attribute that the tag does not have.
    """
    parsed, stack = Parsed(), list[_Open]()
    for piece in _PIECE.finditer(source):
        if piece["tag"]:
            _tag(piece, parsed, stack)
        elif piece["entity"]:
            parsed.text += html.unescape(piece[0])
        elif piece["stray"]:
            _stray(piece, parsed)
        else:
            if ">" in piece["text"]:
                parsed.complaints.append(f"unescaped '>' in {piece['text'][:40]!r}")
            parsed.text += piece["text"]
    if stack:
        raise HtmlError(f'Can\'t find end tag corresponding to start tag "{stack[-1].tag}"')
    _trim(parsed)
    return parsed


def _stray(piece: re.Match[str], parsed: Parsed) -> None:
    if piece[0] == "<":
        offset = len(piece.string[: piece.start()].encode())
        raise HtmlError(f'Unsupported start tag "" at byte offset {offset}')
    parsed.complaints.append(f"unescaped '&' at {piece.start()}")
    parsed.text += "&"


def _tag(piece: re.Match[str], parsed: Parsed, stack: list[_Open]) -> None:
    tag, offset = piece["tag"].lower(), len(piece.string[: piece.start()].encode())
    if tag not in _KINDS:
        raise HtmlError(f'Unsupported start tag "{tag}" at byte offset {offset}')
    if piece["close"]:
        _close(tag, offset, parsed, stack)
        return
    wanted = _ATTRIBUTES.get(tag, re.compile(""))
    attributes = wanted.fullmatch(piece["attributes"].strip())
    if attributes is None:
        raise HtmlError(f'Tag "{tag}" has wrong attributes at byte offset {offset}')
    if any(opened.tag in _OPAQUE for opened in stack) and tag != "code":
        parsed.complaints.append(f"<{tag}> inside <{stack[-1].tag}> is lost")
    if tag == "blockquote" and any(opened.tag == tag for opened in stack):
        parsed.complaints.append("nested <blockquote>")
    entity: Json = {"type": _KINDS[tag], "offset": utf16_length(parsed.text)}
    if tag == "a":
        entity["url"] = html.unescape(attributes["url"])
    stack.append(_Open(tag, entity))


def _close(tag: str, offset: int, parsed: Parsed, stack: list[_Open]) -> None:
    if not stack:
        raise HtmlError(f'Unexpected end tag "{tag}" at byte offset {offset}')
    opened = stack.pop()
    if opened.tag != tag:
        raise HtmlError(
            f"Unmatched end tag at byte offset {offset}, "
            f'expected "</{opened.tag}>", found "</{tag}>"'
        )
    length = utf16_length(parsed.text) - opened.entity["offset"]
    if length:
        parsed.entities.append({**opened.entity, "length": length})


def _trim(parsed: Parsed) -> None:
    """Telegram cuts white space from both ends; entities move with the text."""
    lead = utf16_length(parsed.text) - utf16_length(parsed.text.lstrip())
    parsed.text = parsed.text.strip()
    total = utf16_length(parsed.text)
    kept = []
    for entity in parsed.entities:
        start = max(entity["offset"] - lead, 0)
        end = min(entity["offset"] - lead + entity["length"], total)
        if end > start:
            kept.append({**entity, "offset": start, "length": end - start})
    parsed.entities = kept
