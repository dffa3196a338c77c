"""Taking a line apart as a phone sends it: long dashes, curly quotes, odd spaces."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from commands.domain.errors import GrammarError

# A Slack message holds 40,000 characters; a reason of 5,000 fits, a pasted log does not.
LONGEST = 12_000
SHOWN = 60
DASHES = "‐‑‒–—―−"
# What closes a quote: its partner, or what a phone makes of it.
CLOSES = {
    '"': '"“”″',
    "“": '”“"',
    "”": '”“"',
    "„": '“”"',
    "″": '″"',
    "«": "»",
    "»": "«»",
    "'": "'‘’",
    "‘": "’‘'",
    "’": "’'",
    "‚": "‘’'",
    "‹": "›",
}
APOSTROPHES = frozenset("'‘’‚")
ANY_DASH = re.compile(f"[{DASHES}]")
OPTION_START = re.compile(rf"^-?[{DASHES}]+(?=[A-Za-z])")
PROGRAM = re.compile(r"(?:[./\w-]*/)?rollback(?:\.sh)?(?:@\w+)?", re.ASCII)
# What a shell would act upon. rollbot starts no shell; such a word is a mistake or an attempt.
SHELL = frozenset(";|&`$<>(){}\\*!#'\"\n")


def split(line: str) -> tuple[str, ...]:
    """The words of a line. Quotes of any kind group; inside them nothing is changed.

    Raises GrammarError: a quote that is never closed, a control character, too long a line.
    """
    check_characters(line)
    words: list[str] = []
    at = 0
    while at < len(line):
        if line[at].isspace():
            at += 1
            continue
        word, at = _word(line, at)
        words.append(word)
    return tuple(words)


def check_characters(line: str) -> None:
    """Raises GrammarError for what can neither be shown nor stored."""
    if len(line) > LONGEST:
        raise GrammarError("grammar.too_long", limit=LONGEST)
    for character in line:
        kind = unicodedata.category(character)
        if kind == "Cs" or (kind == "Cc" and character not in "\n\r\t"):
            raise GrammarError("grammar.control_character", code=f"U+{ord(character):04X}")


def without_program(words: Sequence[str]) -> tuple[str, ...]:
    """The words after a pasted `/rollback` or `./rollback.sh`."""
    named = words and PROGRAM.fullmatch(words[0])
    return tuple(words[1:] if named else words)


def plain(word: str) -> str:
    """An unquoted word with its dashes as on a keyboard: `—dry–run` is `--dry-run`.

    Words of a sentence keep theirs: only what looks like an option or an id is touched.
    """
    word = OPTION_START.sub("--", word)
    typed = ANY_DASH.sub("-", word)
    return typed if typed.isascii() and len(typed) > 1 else word


def short(word: str) -> str:
    """A word as an error shows it: at most 60 characters, on one line."""
    line = " ".join(word.split())
    return line if len(line) <= SHOWN else line[: SHOWN - 1] + "…"


def _word(line: str, at: int) -> tuple[str, int]:
    """The word that starts at a position, and where it ends."""
    parts: list[str] = []
    raw = at
    while at < len(line) and not line[at].isspace():
        opens = at == raw or line[at - 1] == "="
        if opens and line[at] in CLOSES:
            parts.append(plain(line[raw:at]))
            quoted, at = _quoted(line, at)
            parts.append(quoted)
            raw = at
        else:
            at += 1
    return "".join(parts) + plain(line[raw:at]), at


def _quoted(line: str, at: int) -> tuple[str, int]:
    """What stands between a quote and its partner, and where it ends."""
    for end in range(at + 1, len(line)):
        # An apostrophe inside a word closes nothing: 'it's late'.
        outside = end + 1 == len(line) or line[end + 1].isspace()
        if line[end] in CLOSES[line[at]] and (outside or line[at] not in APOSTROPHES):
            return line[at + 1 : end], end + 1
    raise GrammarError("grammar.unclosed_quote", words=short(line[at:]))
