"""The catalogues themselves: gettext .po files, read by Babel, cached per language."""

from __future__ import annotations

import gettext
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from io import BytesIO
from typing import TypeAlias

from babel.messages.catalog import Message
from babel.messages.pofile import read_po

from commands.domain.people import Language
from commands.domain.text import Param, Text
from commands.locale.numbers import NOTHING, grouped, shown

PLACEHOLDER = re.compile(r"\{([a-z_][a-z0-9_]*)\}")
# `{facts}` in a text stands for every parameter, for errors whose facts differ from raise to raise.
ALL_FACTS = "facts"
# What selects the plural is always a number of things, never a code or an id.
COUNT = "n"
Forms: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All texts of one language. A text has one form, or one per plural of the language."""

    language: Language
    texts: Mapping[str, Forms]
    plural: Callable[[int], int]

    def __contains__(self, key: str) -> bool:
        """Whether there is a text for the key."""
        return key in self.texts

    def say(self, text: Text) -> str:
        """The text with its parameters filled in; values are never interpreted."""
        forms = self.texts.get(text.key)
        if forms is None:
            return self._untranslated(text)
        return PLACEHOLDER.sub(
            lambda found: self._value(found, text.params),
            forms[self._form(text.params.get(COUNT), len(forms))],
        )

    def placeholders(self, key: str) -> frozenset[str]:
        """The parameters that a text names, over all its plural forms."""
        return frozenset(name for form in self.texts[key] for name in PLACEHOLDER.findall(form))

    def _form(self, n: Param, forms: int) -> int:
        """Which form a number takes; fractions take the second ("1,5 дня", "1.5 days")."""
        match n:
            case float() if not n.is_integer():
                return min(1, forms - 1)
            case int() | float():
                return min(self.plural(abs(int(n))), forms - 1)
            case _:
                return 0

    def _value(self, found: re.Match[str], params: Mapping[str, Param]) -> str:
        name = found.group(1)
        if name not in params:
            return self._facts(params) if name == ALL_FACTS else found.group(0)
        value = params[name]
        if name == COUNT and isinstance(value, int):
            return grouped(value, self.language)
        return self._param(value)

    def _param(self, value: Param) -> str:
        if isinstance(value, Text):
            return self.say(value)
        several = [one for one in value if isinstance(one, Text)] if type(value) is tuple else []
        if several:
            return "\n".join(self.say(one) for one in several)
        return shown(value, self.language)

    def _facts(self, params: Mapping[str, Param]) -> str:
        named = (f"{name}: {self._param(value)}" for name, value in params.items())
        return "; ".join(named) or NOTHING

    def _untranslated(self, text: Text) -> str:
        return f"{text.key} ({self._facts(text.params)})" if text.params else text.key


@cache
def catalogue(language: Language) -> Catalogue:
    """The catalogue of a language, parsed at first use from the package's own data."""
    folder = files("commands.locale") / language
    names = sorted(source.name for source in folder.iterdir() if source.name.endswith(".po"))
    return read_catalogue(language, [(folder / name).read_bytes() for name in names])


def read_catalogue(language: Language, sources: Iterable[bytes]) -> Catalogue:
    """One catalogue out of .po files; the plural rule is the last file's."""
    texts: dict[str, Forms] = {}
    rule = "0"
    for source in sources:
        read = read_po(BytesIO(source), locale=language)
        rule = read.plural_expr
        texts |= {key: forms for key, forms in map(_entry, read) if key and all(forms)}
    return Catalogue(language, texts, gettext.c2py(rule))


def _entry(message: Message) -> tuple[str, Forms]:
    key = message.id if isinstance(message.id, str) else message.id[0]
    said = message.string
    return key, (said,) if isinstance(said, str) else tuple(said or ())
