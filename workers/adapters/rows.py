"""Rows of the customer's in what a database's programs say of an error: nobody's to read.

A tail goes into the journal and into chats. PostgreSQL quotes the row that it stumbled over
(DETAIL, CONTEXT) and the value that it could not take (class 22), SQLAlchemy what it had sent.
rollbot has the server speak English where it may (`Address.connected`); of what is said in another
language little more than the words before the first quotation are left.

Each line is looked at once: no text, however long or hostile, takes more than one pass.
"""

from __future__ import annotations

import re

from psycopg import errors

_HIDDEN = "(…)"
_QUOTES = '"«»„“”'
# libpq's and the server's own catalogues (libpq5-15.mo, postgres-15.mo): a label may be in the
# client's language and what follows in the server's.
# fmt: off
_SEVERITIES = frozenset(
    (
        "ERROR", "FATAL", "PANIC", "WARNING", "NOTICE", "INFO", "LOG", "DEBUG",
        "ОШИБКА", "ВАЖНО", "ПАНИКА", "FEHLER", "ERREUR", "ERRORE", "FATALE", "ERRO",
        "FEL", "FATALT", "BŁĄD", "HATA", "ПОМИЛКА", "ФАТАЛЬНО", "오류", "치명적오류", "错误",
        "致命错误",
    )
)
_DETAIL = frozenset(
    (
        "DETAIL", "DÉTAIL", "DETALLE", "DETALHE", "DETTAGLI", "DETALJ", "SZCZEGÓŁY",
        "AYRINTI", "ПОДРОБНОСТИ", "ДЕТАЛІ", "상세정보", "描述", "STATEMENT", "QUERY",
        "ANFRAGE", "CONSULTA", "REQUÊTE", "FRÅGA", "ЗАПРОС", "ЗАПИТ", "쿼리", "查询",
    )
)
_CONTEXT = frozenset(
    (
        "CONTEXT", "KONTEXT", "CONTEXTO", "CONTEXTE", "CONTESTO", "KONTEKST",
        "КОНТЕКСТ", "구문", "背景",
    )
)
# fmt: on
_KNOWN = _SEVERITIES | {"HINT", "LOCATION", "CRITICAL"}
# Also behind the two characters of a line's end in JSON.
_LABEL = re.compile(r"(?:(?<![\w\\])|(?<=\\n))([^\W\d_]{2,20})[ \xa0]?:( {1,3})")
_NEXT = re.compile(
    r"\[(?:SQL|parameters): |\(Background on |pg_\w{1,20}: |Command was: |Traceback |LINE \d"
    r"|The above exception |During handling of |(?:PL/pgSQL|SQL) (?:function|statement) "
    r"|[^\W\d_]{2,20}[ \xa0]?: {2}|(?:DÉTAIL|CONTEXTE|REQUÊTE|ASTUCE|DETTAGLI|CONTESTO|NOTA) ?: "
    r"|[A-Z]{4,8} {1,4}\["
)
_KEY_ENDS = re.compile(
    r"(?: already exists| is duplicated| conflicts with existing key"
    r'|(?: is not present in| is still referenced from) table "[^"]*")?\.?'
)
_VALUE_ENDS = re.compile(r" is out of range(?: for type [a-z ]{1,40})?")
_COPIED = re.compile(r', line \d{1,19}(?:, column [^:"]{1,200})?: (?=")')
_OF_JSON = re.compile(r"JSON data, line \d{1,19}: ")
_OF_CODE = re.compile(r'(?:PL/pgSQL function |SQL function "|while |SQL statement (?="))')
_OF_A_VALUE = re.compile(
    r'invalid input |malformed \w{1,20} literal|out of range|[Vv]alue "|is not a valid '
)
_FOREIGN_VALUE = re.compile(r"[\"«»„“({\[]|: ")
_WORD = re.compile(r"(?<!\w)[A-Z]\w{3,60}")
# As drivers name class 22; asyncpg puts `Error` behind some of them.
_DATA_ERRORS = frozenset(
    f"{name}{ending}"
    for name, found in vars(errors).items()
    if isinstance(found, type) and issubclass(found, errors.DataError)
    for ending in ("", "Error")
)


def without_rows(said: str) -> str:
    """The same words; of a row that is quoted in them which columns it was, and no value."""
    shown: list[str] = []
    is_in_row = False
    for line in said.split("\n"):
        if is_in_row and not _NEXT.match(line):
            # A value of several lines.
            continue
        left, is_in_row = _line(line)
        shown.append(left)
    return "\n".join(shown)


def without_values(said: str) -> str:
    """The same words without whatever is quoted in them, in any language: an error of class 22."""
    return _between(said, f"{_QUOTES}'")


def _line(line: str) -> tuple[str, bool]:
    """What is shown of it, and whether what is hidden may go on in the next one."""
    for label in _LABEL.finditer(line):
        name = label[1]
        if name not in _DETAIL and name not in _CONTEXT:
            if name in _KNOWN or len(label[2]) == 1 or name != name.upper():
                continue
            # Some language's label, or a word of the program's own.
            return _joined(line, label.end(), (_before_values(line[label.end() :])[0], False))
        told = _detail if name in _DETAIL else _context
        return _joined(line, label.end(), told(line[label.end() :]))
    return _message(line)


def _joined(line: str, at: int, rest: tuple[str, bool]) -> tuple[str, bool]:
    return _message(line[:at])[0] + rest[0], rest[1]


def _message(line: str) -> tuple[str, bool]:
    """Words that need no label: of a key, a row, a line of COPY, parameters, a value."""
    for marker in ("[parameters: ", "ailing row contains "):
        head, found, _ = line.partition(marker)
        if found:
            return head + found + _HIDDEN, marker != "[parameters: "
    head, found, rest = line.partition("Key (")
    if found and ")=(" in rest:
        columns, _, values = rest.partition(")=(")
        tail = values.rpartition(")")[2] if ")" in values else ""
        is_whole = _KEY_ENDS.fullmatch(tail) is not None
        return f"{head}Key ({columns})={_HIDDEN}{tail if is_whole else ''}", True
    if copied := _COPIED.search(line):
        return line[: copied.end()] + _HIDDEN, False
    return _value(line)


def _value(line: str) -> tuple[str, bool]:
    begin = max((at.end() for at in _LABEL.finditer(line) if at[1] in _SEVERITIES), default=0)
    head, said = line[:begin], line[begin:]
    for word in _WORD.finditer(said):
        if word[0] in _DATA_ERRORS:
            head, said = head + said[: word.end()], said[word.end() :]
            shown = without_values(said)
            return head + shown, shown != said
    if begin and not _is_english(said):
        shown = _between(said, _QUOTES)
        return head + shown, shown != said
    if _OF_A_VALUE.search(said):
        before, found, _ = said.partition(': "')
        shown = f"{before}: {_HIDDEN}" if found else _between(said, '"')
        return head + shown, shown != said
    return line, False


def _detail(said: str) -> tuple[str, bool]:
    shown, goes_on = _message(said)
    if shown != said:
        return shown, goes_on
    if not _is_english(said):
        return _before_values(said)
    begins = [at for at in (said.find('"'), said.find("'"), said.find("=(")) if at >= 0]
    contained = said.find("contains (")
    if contained >= 0:
        begins.append(contained + len("contains "))
    if not begins:
        # Who waits for whom, what depends on it: no row.
        return said, False
    end = max(said.rfind(mark) for mark in "\"')")
    tail = said[end + 1 :] if said.endswith(".") else ""
    return said[: min(begins)] + _HIDDEN + tail, True


def _context(said: str) -> tuple[str, bool]:
    # A line of COPY or of JSON has no end of line in it.
    for of_one_line in (_COPIED, _OF_JSON):
        if found := of_one_line.search(said):
            return said[: found.end()] + _HIDDEN, False
    if found := _OF_CODE.match(said):
        is_code = found[0].startswith("SQL statement")
        return (said[: found.end()] + _HIDDEN, True) if is_code else (said, False)
    return _before_values(said)


def _before_values(said: str) -> tuple[str, bool]:
    found = _FOREIGN_VALUE.search(said)
    return (said[: found.start()] + _HIDDEN, True) if found else (said, False)


def _between(said: str, quotes: str) -> str:
    """The words before the first of those, and after the last what is known to be no value."""
    at = [index for index, character in enumerate(said) if character in quotes]
    if not at:
        return said
    tail = said[at[-1] + 1 :]
    return said[: at[0]] + _HIDDEN + (tail if _VALUE_ENDS.fullmatch(tail) else "")


def _is_english(said: str) -> bool:
    return (said.partition('"')[0] + said.rpartition('"')[2]).isascii()
