"""Variables in Compose files, by the Compose specification's "Interpolation" page."""

from __future__ import annotations

import re
from collections.abc import Mapping

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_BRACED = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P<rule>:?[-?+])?(?P<word>.*)", re.DOTALL)


class InterpolationError(ValueError):
    """A variable that must be set is not, or the text is not well formed."""


def fill_in(text: str, variables: Mapping[str, str]) -> str:
    """`text` with `$NAME`, `${NAME}`, `${NAME:-word}`, `${NAME:?word}`, `${NAME:+word}` filled in.

    Words may hold variables themselves; `$$` is a dollar. Raises InterpolationError.
    """
    head, dollar, rest = text.partition("$")
    if not dollar:
        return head
    if rest.startswith("$"):
        return head + "$" + fill_in(rest[1:], variables)
    if rest.startswith("{"):
        end = _closing_brace(rest)
        return head + _braced(rest[1:end], variables) + fill_in(rest[end + 1 :], variables)
    plain = _PLAIN.match(rest)
    if plain is None:
        raise InterpolationError(f"Invalid interpolation format: {text!r}")
    return head + variables.get(plain[0], "") + fill_in(rest[plain.end() :], variables)


def _closing_brace(text: str) -> int:
    depth = 0
    for position, character in enumerate(text):
        depth += (character == "{") - (character == "}")
        if depth == 0:
            return position
    raise InterpolationError(f"Invalid interpolation format: ${text!r}")


def _braced(inside: str, variables: Mapping[str, str]) -> str:
    match = _BRACED.fullmatch(inside)
    if match is None or (match["word"] and not match["rule"]):
        raise InterpolationError(f"Invalid interpolation format: ${{{inside}}}")
    name, rule, word = match["name"], match["rule"] or "", match["word"]
    value = variables.get(name)
    is_missing = value is None or (rule.startswith(":") and not value)
    if rule.endswith("+"):
        return "" if is_missing else fill_in(word, variables)
    if is_missing and rule.endswith("?"):
        raise InterpolationError(f"required variable {name} is missing a value: {word}")
    if is_missing and rule.endswith("-"):
        return fill_in(word, variables)
    return value or ""
