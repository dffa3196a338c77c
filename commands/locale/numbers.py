"""How a value looks inside a sentence of one language."""

from __future__ import annotations

from babel.numbers import format_decimal
from babel.units import format_unit

from commands.domain.people import Language
from commands.domain.text import Param

YES_NO: dict[Language, tuple[str, str]] = {"ru": ("да", "нет"), "en": ("yes", "no")}
NOTHING = "—"
TENTHS_BELOW = 10
_UNITS = (("gigabyte", 10**9), ("megabyte", 10**6), ("kilobyte", 1_000), ("byte", 1))


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
            return ", ".join(map(str, value))
        case _:
            return str(value)


def grouped(number: int, language: Language) -> str:
    """A number of things, as people read large ones: «1 204», `1,204`."""
    return format_decimal(number, locale=language)


def size(size_bytes: int, language: Language) -> str:
    """A file's or database's size: «1,2 ГБ», `260 kB`. Thousands, as disks are sold."""
    unit, one = next((u, one) for u, one in _UNITS if size_bytes >= one or one == 1)
    amount = size_bytes / one
    number = round(amount, 1 if amount < TENTHS_BELOW and one > 1 else None)
    return format_unit(number, f"digital-{unit}", "short", locale=language)
