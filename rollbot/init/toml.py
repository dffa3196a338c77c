"""Values as TOML writes them."""

from __future__ import annotations

import json
from collections.abc import Iterable


def quoted(value: str) -> str:
    """A TOML basic string: JSON's escapes are a subset of TOML's."""
    return json.dumps(value, ensure_ascii=False)


def listed(values: Iterable[str]) -> str:
    """An array of strings."""
    return "[" + ", ".join(quoted(value) for value in values) + "]"
