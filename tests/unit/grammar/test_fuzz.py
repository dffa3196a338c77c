"""Whatever is typed: a record or a GrammarError, and never a process."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commands.domain.errors import GrammarError, RefusedError
from commands.domain.spoken import SUBJECTS, VERBS
from commands.grammar import parse, parse_arguments, read_token
from commands.locale import has, say
from commands.runbook import parse_runbook, shipped_runbook

RUNBOOK = parse_runbook(shipped_runbook())
PROCESSES = ("subprocess.", "os.system", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "pty.")
PIECES = (
    *VERBS, *SUBJECTS, "api", "worker", "db", "v1.2.3", "RB-17", "rb17", "--service=", "--service",
    "--to-version", "--auto", "--full", "--dry-run", "--reason", "--env", "staging", "production",
    "--help", "-h", "-1", "--", "-", "—", "=", ",", ";", "$(id)", "`id`", "|", "&&", "../x", "\\",
    '"', "'", "«", "»", "“", "”", "\n", "\t", "\u00a0", "\x00", "\ud800", "\u202e", "а", "рi",
    "🙂", "{0}", "%s", "{word}", "<b>", "*", "~", "x" * 300, "",
)  # fmt: skip

_watched: list[str] = []
_armed = [False]


def _hook(event: str, _: object) -> None:
    if _armed[0] and event.startswith(PROCESSES):
        _watched.append(event)


@pytest.fixture(scope="module")
def watch() -> None:
    """An audit hook cannot be taken out again; it only looks while it is armed."""
    sys.addaudithook(_hook)


@contextmanager
def no_process() -> Iterator[None]:
    _watched.clear()
    _armed[0] = True
    try:
        yield
    finally:
        _armed[0] = False
    assert _watched == []


def answer(line: str) -> str:
    """What the asker would read, in both languages; only grammar errors are expected."""
    try:
        return str(parse(line, RUNBOOK, "production"))
    except GrammarError as error:
        return sayable(error)


def sayable(error: GrammarError) -> str:
    return say(error.text, "ru") + say(error.text, "en") if has(error.key, "ru") else ""


def lines(count: int) -> Iterator[str]:
    draw = random.Random(17)
    for _ in range(count):
        pieces = draw.choices(PIECES, k=draw.randint(1, 7))
        yield draw.choice((" ", "", "  ", "=")).join(pieces)


def test_10000_lines_raise_nothing_but_grammar_errors(watch: None) -> None:
    """Verbs, flags, quotes, injections and broken Unicode in any order start no process."""
    with no_process():
        for line in lines(10_000):
            assert answer(line)


@settings(max_examples=400, deadline=None)
@given(st.text(st.characters(), max_size=200))
def test_any_text_is_read_or_refused(line: str) -> None:
    """Text that nobody thought of is no exception, in both senses."""
    assert answer(line)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(max_size=30), max_size=6))
def test_any_arguments_of_a_shell_are_read_or_refused(arguments: list[str]) -> None:
    """The shell's way in holds what the chat's does."""
    try:
        said = str(parse_arguments(["api", *arguments], RUNBOOK))
    except GrammarError as error:
        said = sayable(error)
    assert said


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=80))
def test_any_button_value_is_a_token_or_forged(value: str) -> None:
    """Buttons are read as strictly."""
    try:
        read = str(read_token(value))
    except RefusedError as error:
        read = error.key
    assert read in (value, "button.forged")
