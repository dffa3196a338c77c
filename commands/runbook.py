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

SHIPPED = "data/runbook.toml"
# pydantic's error types in the words of somebody who edits a file; the rest keep pydantic's own.
SAYINGS: Mapping[str, str] = {
    "missing": "is missing",
    "extra_forbidden": "is not a known key",
    "greater_than": "must be > {gt:g}",
    "greater_than_equal": "must be >= {ge:g}",
    "less_than": "must be < {lt:g}",
    "less_than_equal": "must be <= {le:g}",
    "literal_error": "must be {expected}",
    "string_pattern_mismatch": "must match {pattern}",
    "string_type": "must be text in quotes",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "tuple_type": "must be a list: [ … ]",
    "dict_type": "must be a table",
    "too_short": "must have at least {min_length}",
}


def read_runbook(path: Path) -> Runbook:
    """The runbook of a file, its digest set to the SHA-256 of the bytes read.

    Raises RunbookError with every problem found, one a line, each with its path.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        why = f"cannot be read ({error.strerror}); write one with: rollbot init"
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
        raise RunbookError(name, f"is not TOML: {error}") from error
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
    return RunbookError(first.path, "\n".join([first.why, *map(str, others)]))


def _problem(error: Mapping[str, Any]) -> Problem:
    saying, context = SAYINGS.get(error["type"]), error.get("ctx", {})
    why = saying.format(**context) if saying else _own_words(error["msg"])
    if error["type"] == "extra_forbidden":
        why += _instead(str(error["loc"][-1]))
    return Problem(_path(error["loc"]), why)


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


def _instead(key: str) -> str:
    known = {field for model in Model.__subclasses__() for field in model.model_fields}
    best = process.extractOne(key, sorted(known), scorer=fuzz.ratio, score_cutoff=70)
    return f"; did you mean {best[0]}?" if best else ""
