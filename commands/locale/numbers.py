"""How a value looks inside a sentence of one language."""

from __future__ import annotations

from babel.numbers import format_decimal

from commands.domain.people import Language
from commands.domain.text import Param

YES_NO: dict[Language, tuple[str, str]] = {"ru": ("да", "нет"), "en": ("yes", "no")}
NOTHING = "—"


def shown(value: Param, language: Language) -> str:
    """A parameter as people read it.

    Whole numbers stay as they are (exit codes, ports and ids must not be grouped), fractions get
    the language's decimal sign and at most two places, tuples are joined with commas.
    """
    match value:
        case None | "" | ():
            return NOTHING
        case bool():
            return YES_NO[language][0 if value else 1]
        case float():
            return format_decimal(value, format="0.##", locale=language)
        case tuple():
            return ", ".join(value)
        case _:
            return str(value)
