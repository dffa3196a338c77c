"""A dump as plain SQL (`pg_dump | gzip`), taken apart without psql.

psql runs what follows a backslash, and a dump can smuggle it in (CVE-2025-8714). The server gets
statements and rows from us instead, and to it a backslash is a syntax error. What pg_dump said
meanwhile (`2>&1`, H3) is found line by line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from commands.domain.errors import BackupInvalidError

Part: TypeAlias = tuple[Literal["sql", "copy", "rows"], bytes]
"""Statements; a COPY … FROM stdin; rows for it, as they stand."""

_BEGINS, _ENDS = b"-- PostgreSQL database dump", b"-- PostgreSQL database dump complete"
_COPY = re.compile(rb"COPY .+? (?:\((?P<columns>.*)\) )?FROM stdin;")
_COLUMN = re.compile(rb'(?:"(?:[^"]|"")*"|[^,"])+')
_SPOKEN = re.compile(
    rb"(?:pg_dump|pg_dumpall|psql): (?:last built-in|reading|identifying|finding|flagging|saving"
    rb"|creating|dumping|processing|executing|connecting|warning|error|detail|hint|\[)"
)
_SPOKEN_LINE = re.compile(rb"(?:pg_dump|pg_dumpall|psql|docker|mkdir|gzip): ")
# Of the one who restores, not of the data; a newer pg_dump sets some that the server lacks.
_LIMITS = re.compile(rb"SET \w+_timeout = 0;")
_OWNERS = re.compile(rb"(?:ALTER .+ OWNER TO .+|(?:GRANT|REVOKE) .+|ALTER DEFAULT PRIVILEGES .+);")
# As pg_dump writes them (dumpSubscription); a restored one would claim production's slot.
_SUBSCRIPTIONS = re.compile(
    rb"CREATE SUBSCRIPTION .+ CONNECTION '.*' PUBLICATION .+ WITH \(connect = false, .+\);"
    rb"|(?:ALTER SUBSCRIPTION .+ OWNER TO|COMMENT ON SUBSCRIPTION .+ IS) .+;"
)
_INSERTED = (b"INSERT INTO ", b"\t(")
_MOST_BYTES = 1024 * 1024


@dataclass(slots=True)
class PlainSql:
    """Reads one dump once. `without_owners`: the server does not know production's roles."""

    name: str
    without_owners: bool = False
    _line: int = 0
    _previous: bytes = b""
    _begun: bool = False
    _ended: bool = False
    _batch: list[bytes] = field(default_factory=list)
    _batch_bytes: int = 0

    def parts(self, blocks: Iterable[bytes]) -> Iterator[Part]:
        """In order.

        Raises BackupInvalidError: `truncated`, `foreign_line`, `meta_command` (with the line's
        number), `not_a_dump`.
        """
        lines = _lines(blocks)
        for line in lines:
            self._line += 1
            copy = self._statement_line(line)
            if copy is not None:
                yield from self._flushed("sql")
                yield "copy", line
                yield from self._rows(lines, copy)
            elif self._batch_bytes > _MOST_BYTES and self._is_between(line):
                yield from self._flushed("sql")
            if copy is None:
                self._add(line)
            self._previous = line
        if not self._begun:
            raise BackupInvalidError(self.name, "not_a_dump")
        if not self._ended:
            raise BackupInvalidError(self.name, "truncated", str(self._line))
        yield from self._flushed("sql")

    def _statement_line(self, line: bytes) -> re.Match[bytes] | None:
        """The COPY that begins here, if one does. Refuses what pg_dump does not write."""
        is_start = not self._previous or self._previous.endswith(b";") or self._is_comment()
        # stdout goes out in blocks, stderr at once: the words may stand in the middle of a line.
        # Of what is INSERTed they may be a part.
        is_mixed = not line.startswith(_INSERTED) and _SPOKEN.search(line)
        if _SPOKEN_LINE.match(line) or is_mixed or b"\0" in line:
            raise self._refused("foreign_line", line)
        if is_start and line.startswith(b"\\") and not _is_restriction(line):
            raise self._refused("meta_command", line)
        if self._ended and line and not line.startswith(b"--") and not _is_restriction(line):
            raise self._refused("foreign_line", line)
        self._begun |= line == _BEGINS
        self._ended |= line == _ENDS
        return _COPY.fullmatch(line)

    def _rows(self, lines: Iterator[bytes], copy: re.Match[bytes]) -> Iterator[Part]:
        columns = copy["columns"]
        count = 0 if columns is None else len(_COLUMN.findall(columns))
        tabs = max(0, count - 1)
        for line in lines:
            self._line += 1
            if line == b"\\.":
                yield from self._flushed("rows")
                return
            # A line cut in two by what was mixed in has too few columns; with one column only the
            # words themselves tell.
            if line.count(b"\t") != tabs or (tabs == 0 and _SPOKEN.search(line)):
                raise self._refused("foreign_line" if any(lines) else "truncated", line)
            self._batch.append(line)
            self._batch_bytes += len(line)
            if self._batch_bytes > _MOST_BYTES:
                yield from self._flushed("rows")
        raise BackupInvalidError(self.name, "truncated", str(self._line))

    def _add(self, line: bytes) -> None:
        if _is_restriction(line) or _LIMITS.fullmatch(line) or _SUBSCRIPTIONS.fullmatch(line):
            return
        if self.without_owners and _OWNERS.fullmatch(line):
            return
        self._batch.append(line)
        self._batch_bytes += len(line)

    def _flushed(self, kind: Literal["sql", "rows"]) -> Iterator[Part]:
        if self._batch:
            yield kind, b"\n".join(self._batch) + b"\n"
        self._batch, self._batch_bytes = [], 0

    def _is_between(self, line: bytes) -> bool:
        """Whether a statement ended above and an INSERT begins (a dump made with --inserts)."""
        return self._previous.endswith(b";") and line.startswith(b"INSERT INTO ")

    def _is_comment(self) -> bool:
        return self._previous.startswith(b"--")

    def _refused(self, why: str, line: bytes) -> BackupInvalidError:
        # Of a row nothing is shown: it is the customer's data. Of a program's words, their start.
        spoken = _SPOKEN_LINE.match(line) or (why == "foreign_line" and _SPOKEN.search(line))
        said = line[spoken.start() :][:60].decode(errors="replace") if spoken else ""
        return BackupInvalidError(
            self.name, why, f"{self._line}: {said}" if said else str(self._line)
        )


def _is_restriction(line: bytes) -> bool:
    r"""`\restrict <key>` of pg_dump 15.14 and newer: for psql alone."""
    return line.startswith((b"\\restrict ", b"\\unrestrict "))


def _lines(blocks: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for block in blocks:
        *whole, rest = (rest + block).split(b"\n")
        yield from whole
    if rest:
        yield rest
