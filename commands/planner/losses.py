"""What a migration destroys, read from the SQL that it would run. Pure.

What cannot be read for certain is said, never left out: the rehearsal is the truth then.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import TokenType

from commands.domain.database import Loss

VERSION_TABLE = "alembic_version"
_SHOWN = 60
# Statements of transactions, comments and settings; sqlglot keeps them as words.
_HARMLESS = (
    *("BEGIN", "START", "COMMIT", "END", "SET", "RESET", "SHOW", "COMMENT", "GRANT", "REVOKE"),
    *("ANALYZE", "VACUUM", "REINDEX", "LOCK", "NOTIFY", "SAVEPOINT", "RELEASE", "REFRESH"),
)
# Of the server's own functions, those that migrations ask for, and that take nothing away.
_HARMLESS_FUNCTIONS = (
    *("pg_sleep", "pg_advisory", "pg_try_advisory", "pg_get_", "pg_relation_", "pg_total_"),
    *("json", "array_", "regexp_", "to_", "uuid_generate", "gen_random_"),
    *("set_config", "setval", "nextval", "currval"),
)
_DROPS: dict[str, str] = {
    "TABLE": "table",
    "INDEX": "index",
    "TYPE": "type",
    "VIEW": "view",
    "MATERIALIZED VIEW": "view",
    "SEQUENCE": "sequence",
    "CONSTRAINT": "constraint",
}


@dataclass(frozen=True, slots=True)
class Losses:
    """`unread` are the beginnings of statements that may destroy more."""

    known: tuple[Loss, ...] = ()
    unread: tuple[str, ...] = ()


def losses_of(sql: str) -> Losses:
    """Everything that these statements drop, empty or overwrite, each once, in their order."""
    known: dict[tuple[str, str], Loss] = {}
    unread: dict[str, None] = {}
    # It warns of every statement that it keeps as words; we say so ourselves.
    logging.getLogger("sqlglot").setLevel(logging.ERROR)
    for words in _statements(sql):
        try:
            statement = sqlglot.parse_one(words, read="postgres")
            found = tuple(_of(statement))
            unsure = _reaches_further(statement) or (not found and _may_destroy(statement))
        except SqlglotError:
            found, unsure = (), True
        known |= {(loss.what, loss.name): loss for loss in found}
        if unsure:
            unread[_shown(words)] = None
    gone = {loss.name for loss in known.values() if loss.what == "table"}
    kept = tuple(o for o in known.values() if o.what == "table" or _table(o) not in gone)
    return Losses(kept, tuple(unread))


def _statements(sql: str) -> Iterator[str]:
    """One by one, so that one that cannot be read hides no other; harmless ones are left out."""
    try:
        tokens = sqlglot.tokenize(sql, read="postgres")
    except SqlglotError:
        yield sql
        return
    begin: int | None = None
    for number, token in enumerate(tokens):
        begin = token.start if begin is None else begin
        is_end = token.token_type is TokenType.SEMICOLON
        if is_end or number == len(tokens) - 1:
            words = sql[begin : token.start if is_end else token.end + 1]
            if words and not words.upper().startswith(_HARMLESS):
                yield words
            begin = None


def _of(statement: exp.Expr) -> Iterator[Loss]:
    match statement:
        case exp.Drop():
            yield from _dropped(statement)
        case exp.Alter() if statement.args.get("kind") == "TABLE":
            yield from _altered(statement)
        case exp.TruncateTable():
            for table in statement.expressions:
                yield _loss("rows", _name(table))
        case _:
            for change in statement.find_all(exp.Delete, exp.Update, exp.Merge, exp.Insert):
                if _overwrites(change) and _name(change.this) != VERSION_TABLE:
                    yield _loss("rows", _name(change.this))


def _dropped(statement: exp.Drop) -> Iterator[Loss]:
    what = _DROPS.get(str(statement.args.get("kind", "")).upper())
    if what is None:
        return
    for name in _names(statement):
        if name != VERSION_TABLE:
            yield _loss(what, name)


def _altered(statement: exp.Alter) -> Iterator[Loss]:
    table = _name(statement.this)
    for action in statement.args.get("actions") or ():
        if isinstance(action, exp.Drop):
            what = str(action.args.get("kind", "")).upper()
            kind = "column" if what == "COLUMN" else "constraint"
            for name in _names(action):
                yield _loss(kind, f"{table}.{name}")
        elif isinstance(action, exp.AlterColumn) and action.args.get("dtype") is not None:
            # Another type may hold less: what is cut, only the rehearsal tells.
            yield _loss("rows", table)


def _overwrites(change: exp.Expr) -> bool:
    """An INSERT takes something away only where it is told to: ON CONFLICT DO UPDATE."""
    clauses = change.find_all(exp.OnConflict)
    return not isinstance(change, exp.Insert) or any(
        "UPDATE" in str(clause.args.get("action", "")).upper() for clause in clauses
    )


def _reaches_further(statement: exp.Expr) -> bool:
    """Whether more goes than it names: only the catalogue knows what hangs on it."""
    actions = statement.args.get("actions") or ()
    options = (statement.args.get("cascade"), *(a.args.get("cascade") for a in actions))
    return any(options) or str(statement.args.get("option", "")).upper() == "CASCADE"


def _may_destroy(statement: exp.Expr) -> bool:
    """Whether what was not understood may take something away."""
    match statement:
        case exp.Create() | exp.Insert() | exp.Select():
            # Nobody can see from here what a function of the team's own does.
            called = (function.name.lower() for function in statement.find_all(exp.Anonymous))
            return any(not name.startswith(_HARMLESS_FUNCTIONS) for name in called)
        case exp.Update() | exp.Delete():
            return _name(statement.this) != VERSION_TABLE
        case exp.Drop():
            return set(_names(statement)) != {VERSION_TABLE}
        case exp.Alter():
            return any(_is_unread(action) for action in statement.args.get("actions") or (None,))
    return True


def _is_unread(action: exp.Expr | None) -> bool:
    """Adding, renaming, defaults and nullability take nothing away."""
    harmless = (
        *(exp.ColumnDef, exp.AddConstraint, exp.AlterColumn, exp.AlterRename),
        *(exp.RenameColumn, exp.AlterSet),
    )
    return not isinstance(action, harmless)


def _names(drop: exp.Drop) -> tuple[str, ...]:
    return tuple(_name(target) for target in drop.args.get("tables") or ())


def _name(node: exp.Expr | None) -> str:
    """`projects` or `billing.invoices`; `public.` left off, quotes too."""
    found = node.find(exp.Table) if isinstance(node, exp.Expr) else None
    if found is None:
        return str(node.name) if node is not None else ""
    schema = found.db if found.db not in ("", "public") else ""
    return f"{schema}.{found.name}" if schema else str(found.name)


def _table(loss: Loss) -> str:
    """The table that a column or constraint belongs to; an index names none."""
    if loss.what in ("column", "constraint"):
        return loss.name.rpartition(".")[0]
    return loss.name if loss.what == "rows" else ""


def _loss(what: str, name: str) -> Loss:
    return Loss.model_validate({"what": what, "name": name})


def _shown(statement: str) -> str:
    words = " ".join(statement.split())
    return words if len(words) <= _SHOWN else words[:_SHOWN] + "…"
