"""Words for people: `Text` becomes Russian or English here and nowhere else.

Catalogues are `commands/locale/<language>/*.po` (every file there is read, so that a room may keep
its own); message ids are symbolic keys. They are parsed once, at first use, and need no build step.
"""

from __future__ import annotations

from commands.domain.people import Language
from commands.domain.text import Text
from commands.locale.catalogue import Catalogue, catalogue
from commands.locale.numbers import grouped, shown, size
from commands.locale.times import age, duration, when

__all__ = [
    "Catalogue",
    "age",
    "catalogue",
    "duration",
    "grouped",
    "has",
    "say",
    "shown",
    "size",
    "when",
]


def say(text: Text, language: Language) -> str:
    """The message in the reader's language.

    A parameter named `n` chooses the plural. A key without a text is shown as the key itself, so
    that a gap is ugly and not fatal; a test finds such gaps before people do.
    """
    return catalogue(language).say(text)


def has(key: str, language: Language) -> bool:
    """Whether the catalogue of that language has a text for the key."""
    return key in catalogue(language)
