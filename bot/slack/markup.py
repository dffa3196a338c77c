"""Text as Slack wants it: escaped, harmless, and no longer than it may be.

Sources: docs.slack.dev/messaging/formatting-message-text (escape `&`, `<`, `>` and nothing else).
Lengths are counted in UTF-16 units of what is sent: Slack does not say how it counts, and this is
the harsher reading.
"""

from __future__ import annotations

import re
from collections.abc import Callable

ELLIPSIS = "…"
ZERO_WIDTH_SPACE = "\u200b"

# Control characters, and those that turn the reading direction so that a text reads as another.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff]")
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
# Marks that open or close bold, italics, strike or code. Two plain expressions instead of one for
# pairs: that one takes quadratic time on a hostile text.
_OPENS = re.compile(r"(?<!\w)[*_~`](?=\S)")
_CLOSES = re.compile(r"(?<=\S)[*_~`](?!\w)")
_LOOKALIKES = {"*": "∗", "_": "ˍ", "~": "∼", "`": "ˋ"}
_LINE_QUOTE = re.compile(r"^(&gt;)", re.MULTILINE)
_ADDRESS = re.compile(r"https?://[A-Za-z0-9._~:/?#@!$'()*+,;=%&-]*[A-Za-z0-9/]")


def units(text: str) -> int:
    """Length in UTF-16 units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def clean(text: str) -> str:
    """The text without what cannot be sent or seen: lone surrogates, controls, direction marks."""
    sendable = text.encode("utf-8", "replace").decode("utf-8")
    return _UNPRINTABLE.sub("", sendable.replace("\r\n", "\n").replace("\r", "\n"))


def mrkdwn(text: str) -> str:
    """Text that reads as typed in a `mrkdwn` object: no mention, link, format or quote of its own.

    Slack knows no escape for its marks, so a pair that would format becomes a pair of look-alikes;
    a single one (`*.sql`, `api_v1`) stays.
    """
    harmless = "\n".join(_disarmed(line) for line in clean(text).split("\n"))
    return _LINE_QUOTE.sub(rf"{ZERO_WIDTH_SPACE}\1", harmless.translate(_ESCAPES))


def linked(text: str) -> str:
    """As `mrkdwn`, and web addresses can be followed (our own sentences, nobody's words)."""
    parts, after = [], 0
    for found in _ADDRESS.finditer(text):
        parts.append(mrkdwn(text[after : found.start()]))
        parts.append(f"<{found.group().translate(_ESCAPES)}>")
        after = found.end()
    return "".join([*parts, mrkdwn(text[after:])])


def code(text: str) -> str:
    """Text for the inside of a code block: nothing formats there but the closing fence."""
    fenced = clean(text).replace("```", f"``{ZERO_WIDTH_SPACE}`")
    return fenced.translate(_ESCAPES)


def fit(text: str, limit: int, render: Callable[[str], str] = clean) -> str:
    """The rendered text, or the longest beginning of it that fits `limit` units with an ellipsis.

    The raw text is what is cut, so that no escape is cut in half.
    """
    text = text[: limit + 1]
    whole = render(text)
    if units(whole) <= limit:
        return whole
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if units(render(text[:middle].rstrip())) + units(ELLIPSIS) <= limit:
            low = middle
        else:
            high = middle - 1
    return render(text[:low].rstrip()) + ELLIPSIS


def _disarmed(line: str) -> str:
    opens = {found.start(): found.group() for found in _OPENS.finditer(line)}
    closes = {found.start(): found.group() for found in _CLOSES.finditer(line)}
    letters = list(line)
    for mark, lookalike in _LOOKALIKES.items():
        first = min((at for at, kind in opens.items() if kind == mark), default=len(line))
        if any(kind == mark and at > first for at, kind in closes.items()):
            for at in {at for at, kind in [*opens.items(), *closes.items()] if kind == mark}:
                letters[at] = lookalike
    return "".join(letters)
