"""What people read: no gaps, no mismatched parameters, right plurals, nothing interpreted."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from commands.domain.errors import CommandFailedError, EngineError
from commands.domain.people import Language
from commands.domain.text import text
from commands.locale import Catalogue, catalogue, has, say
from commands.locale.catalogue import read_catalogue

ROOT = Path(__file__).parents[3]
ROOMS = ("rollbot", "bot", "workers", "commands")
LANGUAGES: tuple[Language, ...] = ("ru", "en")
KEY = re.compile(r"^[a-z][a-z0-9_]*(\.[a-z0-9_]+)+$")
SAYERS = {"text", "Text"}
# What follows the dot in names of files, modules and attributes that begin like a message key.
NO_KEYS = {"py", "po", "toml", "yml", "yaml", "json", "sh", "jsonl", "log", "sock"}


@cache
def keys_in_code() -> dict[str, str]:
    """Every message key that code names, with one place that names it."""
    found: dict[str, str] = {}
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            for key, line in keys_of(ast.parse(path.read_text("utf-8"))):
                found.setdefault(key, f"{path.relative_to(ROOT)}:{line}")
    return found


def keys_of(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """What is passed to `text`, `Text` or an error, and every literal that looks like a key."""
    composed = {id(v) for n in ast.walk(tree) if isinstance(n, ast.JoinedStr) for v in n.values}
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=name), args=[first, *_]) if name in SAYERS:
                yield from ((key, node.lineno) for key in branches(first))
            case ast.Constant(value=str(value)) if KEY.match(value) and known_family(value):
                if id(node) not in composed:
                    yield value, node.lineno


def branches(argument: ast.expr) -> Iterator[str]:
    """The strings an argument may be: itself, or both arms of a condition."""
    match argument:
        case ast.Constant(value=str(value)):
            yield value
        case ast.IfExp():
            yield from branches(argument.body)
            yield from branches(argument.orelse)


@cache
def families() -> frozenset[str]:
    """What keys begin with: `card`, `refused`, `grammar`, ..."""
    return frozenset(key.partition(".")[0] for key in catalogue("ru").texts)


def known_family(literal: str) -> bool:
    """Whether a dotted literal is a message key, and no file name, host or module."""
    family, _, rest = literal.partition(".")
    return family in families() and rest.partition(".")[0] not in NO_KEYS


def heads_in_code() -> Iterator[tuple[str, str]]:
    """The constant beginnings of keys that are put together: `card.step_` of `card.step_{kind}`."""
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                match node:
                    case ast.JoinedStr(values=[ast.Constant(value=str(head)), *_]):
                        if re.fullmatch(r"[a-z]+\.[a-z_.]*", head) and known_family(head):
                            yield head, f"{path.relative_to(ROOT)}:{node.lineno}"


def test_keys_that_are_put_together_begin_like_some_text() -> None:
    """A misspelt beginning of a composed key would miss every text: there is none."""
    texts = catalogue("ru").texts

    gaps = [place for head, place in heads_in_code() if not any(k.startswith(head) for k in texts)]

    assert gaps == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_key_that_code_names_has_a_text(language: Language) -> None:
    """Nobody is ever shown a bare key: each one in code has its Russian and its English."""
    gaps = {key: place for key, place in keys_in_code().items() if not has(key, language)}

    assert not gaps


def test_both_languages_say_the_same_things_with_the_same_parameters() -> None:
    """A text names the same parameters in Russian and in English, and exists in both."""
    ru, en = catalogue("ru"), catalogue("en")

    assert set(ru.texts) ^ set(en.texts) == set()
    assert {k for k in ru.texts if ru.placeholders(k) != en.placeholders(k)} == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_key_is_defined_once_and_every_form_is_filled(language: Language) -> None:
    """Two texts for one key, or an empty text, are an editor's slip that is found here."""
    sources = sorted((ROOT / "commands/locale" / language).glob("*.po"))
    ids = Counter(
        found
        for s in sources
        for found in re.findall(r'^msgid "(.+)"$', s.read_text("utf-8"), re.MULTILINE)
    )

    assert [key for key, times in ids.items() if times > 1] == []
    assert set(ids) == set(catalogue(language).texts)


def test_a_plural_has_as_many_forms_as_its_language() -> None:
    """Russian counts one, few and many; English one and other."""
    for language, forms in (("ru", 3), ("en", 2)):
        counted = catalogue(language).texts.values()
        assert {len(said) for said in counted} <= {1, forms}


def sample(language: Language) -> Catalogue:
    rules = {
        "ru": b"nplurals=3; plural=(n%10==1 && n%100!=11 ? 0 : n%10>=2 && n%10<=4 "
        b"&& (n%100<12 || n%100>14) ? 1 : 2);"
    }
    body = (
        b'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=UTF-8\\n"\n"Plural-Forms: '
        + rules[language]
        + '\\n"\n\nmsgid "x.days"\nmsgid_plural "x.days"\nmsgstr[0] "{n} день"\n'
        'msgstr[1] "{n} дня"\nmsgstr[2] "{n} дней"\n'.encode()
    )
    return read_catalogue(language, [body])


@pytest.mark.parametrize(
    ("n", "said"),
    [
        (0, "0 дней"),
        (1, "1 день"),
        (3, "3 дня"),
        (11, "11 дней"),
        (21, "21 день"),
        (1204, "1\xa0204 дня"),
        (1.5, "1,5 дня"),
    ],
)
def test_russian_plurals_follow_the_number(n: float, said: str) -> None:
    """One, few, many and fractions each get their own word."""
    assert sample("ru").say(text("x.days", n=n)) == said


def test_a_value_is_never_interpreted() -> None:
    """Braces, percent signs and markup inside a value come out as they went in."""
    hostile = "{reference} {0.__class__} %s <b> ${PATH}"

    said = say(CommandFailedError("sh", 1, hostile).text, "en")

    assert hostile in said


def test_an_error_without_a_fixed_shape_still_tells_its_facts() -> None:
    """Facts that differ from raise to raise are listed by name and value."""
    assert "service: api; status: 502" in say(EngineError(service="api", status=502).text, "ru")


def test_a_missing_key_shows_itself() -> None:
    """A gap in the catalogue is ugly, never fatal, and keeps the facts."""
    assert say(text("no.such", tags=("a", "b")), "ru") == "no.such (tags: a, b)"


def test_the_catalogue_is_read_once() -> None:
    """Both calls get the same parsed catalogue."""
    assert catalogue("ru") is catalogue("ru")
