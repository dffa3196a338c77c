"""What PostgreSQL and its programs quote of a customer's rows stays out of journals and chats."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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

ABROAD = (
    f'ERROR:  invalid input value for enum mood: "{ROW}"',
    f'malformed array literal: "{{{ROW}"\nDETAIL:  Unexpected "{{" character in {{{ROW}}}."',
    f'DETAIL:  Token "{ROW}" is invalid.\nCONTEXT:  JSON data, line 1: {{"mail": {ROW}...',
    f'ERROR:  date/time field value out of range: "1977-13-41 {ROW}"',
    f'ERROR:  value "{ROW}" is out of range for type integer',
    f'pg_restore: error: COPY failed for table "t": ОШИБКА:  значение "{ROW}" вне диапазона',
    f'ПОДРОБНОСТИ:  Ключ "(email)=({ROW})" уже существует.',
    f"DETAIL:  Ошибочная строка содержит (7, {ROW},\nещё {ROW} (да), null).\n[SQL: X]",
    f"CONTEXT:  данные JSON, строка 1: {ROW}...",
    f'КОНТЕКСТ:  COPY users, строка 3, столбец age: "{ROW}"',
    f"(psycopg2.errors.NumericValueOutOfRange) Wert »{ROW}« ist außerhalb des gültigen Bereichs",
    f"FEHLER:  ungültige Eingabesyntax für Typ integer: »{ROW}«",
    f"DÉTAIL : La clé (email)=({ROW}) existe déjà.",
    f'描述:  键值"(email)=({ROW})" 已经存在',
    f"asyncpg.exceptions.DataError: invalid input for query argument $1: '{ROW}' (an integer)",
    f'{{"exc": "…\\nDETAIL:  Key (email)=({ROW}) already exists.\\nDETAIL:  "{ROW}""}}',
    f"CONTEXT:  SQL statement \"UPDATE t SET x = 1\nWHERE mail = '{ROW}'\"\nPL/pgSQL function f()",
)


@pytest.mark.parametrize("said", ABROAD)
def test_a_value_is_hidden_in_any_language(said: str) -> None:
    """Class 22 quotes what it could not take; servers may speak Russian to programs not ours."""
    shown = without_rows(said)

    assert ROW not in shown
    assert shown[:6] == said[:6]


@pytest.mark.parametrize(
    "shape",
    [
        "Key (email)=({}) already exists.\n[SQL: X]",
        'ERROR:  fails\nDETAIL:  Key (id)=({}) is not present in table "users".\nHINT:  none',
        "DETAIL:  Failing row contains (7, {}, null).\n[SQL: X]",
        'ERROR:  invalid input value for enum mood: "{}"\nLINE 1: SELECT',
        '(psycopg2.errors.InvalidTextRepresentation) неверный синтаксис: "{}"\n[SQL: X]',
        'ОШИБКА:  неверный синтаксис: "{}"\nПОДРОБНОСТИ:  Ключ "(a)=({})" уже существует.',
        "FEHLER:  Eingabe: »{}«\nDETAIL:  Schlüssel »(a)=({})« existiert bereits.\n[SQL: X]",
    ],
)
@settings(max_examples=50)
@given(st.text("\"'()=,.:;\n »«abя", max_size=12), st.text("\"'()=,.:;\n »«abя", max_size=12))
def test_no_value_has_a_way_out(shape: str, before: str, after: str) -> None:
    """Quotes, brackets and ends of lines in the value itself change nothing."""
    shown = without_rows(shape.replace("{}", f"{before}CANARY{after}"))

    assert "CANARY" not in shown
    assert shown.splitlines()[-1][:5] == shape.splitlines()[-1][:5]


@pytest.mark.parametrize(
    "hostile",
    [
        *("Key ()=(", 'COPY , line 1: "', "[parameters: ", "ERROR:  ", "Failing row contains ("),
        *(
            "DETAIL:  ",
            "x" * 50,
            ': "',
            "ОШИБКА:  ",
            "DataError",
            "malformed ",
            '\n"',
            "Key ()=(\n",
        ),
    ],
)
def test_no_text_takes_more_than_one_pass(hostile: str) -> None:
    """200 KB of what patterns begin with are through before the test's own limit."""
    said = hostile * (200_000 // len(hostile)) + "x"

    assert len(without_rows(said)) <= len(said) + len("(…)") * (said.count("\n") + 1)


def test_what_depends_and_who_waits_is_still_told() -> None:
    """A detail or context without a value is what people need to go on."""
    said = (
        "ERROR:  cannot drop type mood because other objects depend on it\n"
        "DETAIL:  function f(mood) depends on type mood\nview v depends on type mood\n"
        "HINT:  Use DROP ... CASCADE to drop the dependent objects too.\n"
        'ERROR:  null value in column "a" of relation "t" violates not-null constraint\n'
        "CONTEXT:  PL/pgSQL function f() line 3 at RAISE"
    )
    assert without_rows(said) == said
    row = 'DETAIL:  Key (id)=(7) is not present in table "users".'
    assert without_rows(row) == 'DETAIL:  Key (id)=(…) is not present in table "users".'


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
