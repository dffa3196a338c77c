"""TOML written by the demo is what tomllib reads."""

from __future__ import annotations

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from rollbot.demo import toml

_TEXT = st.text(st.characters(exclude_categories=["Cs"]))
_SCALARS = st.booleans() | st.integers(-(2**62), 2**62) | st.floats(allow_nan=False) | _TEXT
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXT, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(_TEXT, _VALUES, max_size=5))
def test_what_is_written_is_read_back(document: dict[str, object]) -> None:
    """Any tables, arrays and scalars survive the way through a file."""
    assert tomllib.loads(toml.dumps(document)) == document
