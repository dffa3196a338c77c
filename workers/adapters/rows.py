"""Rows of the customer's in what a database's programs say of an error: they are nobody's to read.

A tail goes into the journal and into chats. PostgreSQL quotes the row that it stumbled over
(DETAIL, CONTEXT), and SQLAlchemy what it had sent.
"""

from __future__ import annotations

import re

_QUOTED = (
    r"(Key \([^\n]*?\)=)\(.*?\)(?= is | already | conflicts |\.?$)",
    r"(Failing row contains )\(.*?\)(?=\.?$)",
    r'(COPY [^\n]*?, line \d+(?:, column [^\n:]+)?: )".*?"$',
    r'(invalid input syntax for [^\n:]+: )"[^\n]*"',
    r"(\[parameters: ).*?\]$",
)
_ROWS = tuple(re.compile(quoted, re.MULTILINE | re.DOTALL) for quoted in _QUOTED)


def without_rows(said: str) -> str:
    """The same words; of a row that is quoted in them which columns it was, and no value."""
    for row in _ROWS:
        said = row.sub(r"\1(…)", said)
    return said
