"""runbook.toml → Runbook: read once, validated whole, every error named by its path."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from rapidfuzz import fuzz, process

from commands.domain.errors import RunbookError
from commands.domain.procedure import Model
from commands.domain.runbook import Runbook
from commands.domain.runbook_rules import Problem, problems_in
from commands.domain.text import Text, text

SHIPPED = "data/runbook.toml"
# pydantic's error types in the words of somebody who edits a file, and the facts that belong to
# them; the rest keep pydantic's own words, in English.
SAYINGS: Mapping[str, tuple[str, str]] = {
    "missing": ("wrong.missing", ""),
    "extra_forbidden": ("wrong.unknown_key", ""),
    "greater_than": ("wrong.not_more", "gt"),
    "greater_than_equal": ("wrong.less", "ge"),
    "less_than": ("wrong.not_less", "lt"),
    "less_than_equal": ("wrong.more", "le"),
    "literal_error": ("wrong.not_one_of", "expected"),
    "string_pattern_mismatch": ("wrong.no_match", "pattern"),
    "string_type": ("wrong.no_text", ""),
    "bool_type": ("wrong.no_bool", ""),
    "bool_parsing": ("wrong.no_bool", ""),
    "int_parsing": ("wrong.no_whole_number", ""),
    "int_type": ("wrong.no_whole_number", ""),
    "float_parsing": ("wrong.no_number", ""),
    "float_type": ("wrong.no_number", ""),
    "tuple_type": ("wrong.no_list", ""),
    "dict_type": ("wrong.no_table", ""),
    "too_short": ("wrong.too_few", "min_length"),
}


def read_runbook(path: Path) -> Runbook:
    """The runbook of a file, its digest set to the SHA-256 of the bytes read.

    Raises RunbookError with every problem found, one a line, each with its path.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        why = text("wrong.unreadable_runbook", why=error.strerror)
        raise RunbookError(str(path), why) from error
    return parse_runbook(content, str(path))


def shipped_runbook() -> bytes:
    """The runbook that rollbot comes with: Samokoder's, with example people."""
    return (files("commands") / SHIPPED).read_bytes()


def parse_runbook(content: bytes, name: str = "runbook.toml") -> Runbook:
    """The runbook that these bytes say. Raises RunbookError with every problem found."""
    try:
        data = tomllib.loads(content.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RunbookError(name, text("wrong.no_toml", why=str(error))) from error
    digest = hashlib.sha256(content).hexdigest()
    try:
        runbook = Runbook.model_validate({**data, "digest": digest})
    except ValidationError as error:
        raise _refusal(_problem(e) for e in error.errors(include_url=False)) from None
    if problems := problems_in(runbook):
        raise _refusal(problems)
    return runbook


def _refusal(problems: Iterable[Problem]) -> RunbookError:
    """One error for all: the first problem's path, and the others a line each."""
    first, *others = problems
    also = tuple(text("wrong.at", path=other.path, why=other.why) for other in others)
    return RunbookError(first.path, first.why, also)


def _problem(error: Mapping[str, Any]) -> Problem:
    return Problem(_path(error["loc"]), _why(error))


def _why(error: Mapping[str, Any]) -> Text:
    if error["type"] == "extra_forbidden":
        return _unknown_key(str(error["loc"][-1]))
    if error["type"] not in SAYINGS:
        return text("wrong.own_words", said=_own_words(error["msg"]))
    key, fact = SAYINGS[error["type"]]
    return Text(key=key, params={"limit": _plain(error["ctx"][fact])} if fact else {})


def _plain(limit: object) -> str:
    return f"{limit:g}" if isinstance(limit, float) else str(limit)


def _own_words(message: str) -> str:
    said = message.removeprefix("Value error, ").replace("Input should be", "must be")
    return said[:1].lower() + said[1:]


def _path(location: tuple[int | str, ...]) -> str:
    """`services.api.after[0]`: pydantic's location as people write it."""
    path = ""
    for part in location:
        if part == "[key]":
            continue
        path += f"[{part}]" if isinstance(part, int) else f".{part}"
    return path.removeprefix(".") or "runbook.toml"


def _unknown_key(key: str) -> Text:
    known = {field for model in Model.__subclasses__() for field in model.model_fields}
    best = process.extractOne(key, sorted(known), scorer=fuzz.ratio, score_cutoff=70)
    return text("wrong.near_key", near=best[0]) if best else text("wrong.unknown_key")
