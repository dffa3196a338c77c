"""What PostgreSQL and its programs quote of a customer's rows stays out of journals and chats."""

from __future__ import annotations

import pytest

from workers.adapters.rows import without_rows

ROW = "anna@example.org"
SAID = (
    f'could not create unique index "uq"\nDETAIL:  Key (email)=({ROW}) is duplicated.\n[SQL: X]',
    f"DETAIL:  Key (email, name)=({ROW}, An (n) a) already exists.",
    f'violates foreign key\nDETAIL:  Key (id)=({ROW}) is not present in table "users".',
    f"null value\nDETAIL:  Failing row contains (7, {ROW},\nsecond line of it, null).\n[SQL: X]",
    f'pg_restore: error: COPY failed\nCONTEXT:  COPY users, line 3: "7\t{ROW}\t$2b$12"\nnext',
    f'CONTEXT:  COPY users, line 3, column age: "{ROW}"',
    f'ERROR:  invalid input syntax for type integer: "{ROW}"',
    f"[SQL: INSERT]\n[parameters: {{'mail': '{ROW}'}}]\n(Background on this error at: x)",
)


@pytest.mark.parametrize("said", SAID)
def test_a_quoted_row_is_hidden_and_its_columns_are_not(said: str) -> None:
    """An error's words stay: which table, which key; no value of it."""
    shown = without_rows(said)
    assert ROW not in shown
    assert "$2b$" not in shown
    assert "second line" not in shown
    assert shown.splitlines()[0].split("=")[0][:12] == said.splitlines()[0].split("=")[0][:12]
    assert shown.splitlines()[-1][:9] == said.splitlines()[-1][:9]


def test_words_without_a_row_are_not_touched() -> None:
    """What a migration says of itself is shown as it is."""
    said = 'ERROR:  column "a" does not exist\nHINT:  Perhaps you meant "b".\n[SQL: ALTER TABLE t]'
    assert without_rows(said) == said
