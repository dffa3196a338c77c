"""One variable of an env file, read and changed with every other byte as it was.

python-dotenv (1.2) says where the bindings are; the bytes around the value are kept by hand,
and the result is parsed again before anybody writes it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from io import StringIO

from dotenv import dotenv_values
from dotenv.parser import Binding, parse_stream

from commands.domain.errors import ConfigFileError

_MARK = "\ufeff"
# What means the same bare, in single and in double quotes.
_WRITABLE = re.compile(r"[^'\"\\\x00-\x1f\x7f-\x9f\u2028\u2029]*")
# What leads to a value, as python-dotenv's parser reads it.
_HEAD = re.compile(r"\s*(?:export[^\S\r\n]+)?(?:'[^']+'|[^=\#\s]+)[^\S\r\n]*=[^\S\r\n]*")
_QUOTED = re.compile(r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"", re.DOTALL)
_REMARK = re.compile(r"\s+#.*")


@dataclass(frozen=True, slots=True)
class EnvFile:
    """The bytes of one env file. `path` is for error messages only."""

    path: str
    content: bytes

    def values(self) -> Mapping[str, str | None]:
        """Keys and values, as written: `$` is not expanded. The last of duplicates counts."""
        return dotenv_values(stream=StringIO(self._text()), interpolate=False)

    def variable(self, name: str) -> str | None:
        """The variable's value; None if it is not there.

        Raises ConfigFileError if it stands there twice or without a value.
        """
        bindings, at = self._find(name)
        return None if at is None else bindings[at].value

    def with_variable(self, name: str, value: str) -> bytes:
        """The file with the variable set: in its place, else as a new last line.

        Quotes, `export`, comments and line ends stay. Raises ConfigFileError if it stands there
        twice, or if the value could not be read back as it is.
        """
        if not _WRITABLE.fullmatch(value):
            raise ConfigFileError(self.path, f"a value that needs escaping is not written: {name}")
        bindings, at = self._find(name)
        originals = [binding.original.string for binding in bindings]
        if at is None:
            originals.append(self._new_line("".join(originals), f"{name}={value}"))
        else:
            originals[at] = self._revalued(originals[at], value)
        changed = EnvFile(self.path, self._encode("".join(originals)))
        expected = {**self.values(), name: value}
        if changed.values() != expected or changed.variable(name) != value:
            raise ConfigFileError(self.path, f"{name} cannot be changed alone in this file")
        return changed.content

    def without_variable(self, name: str) -> bytes:
        """The file without the variable's line. Raises ConfigFileError if it stands there twice."""
        bindings, at = self._find(name)
        if at is None:
            return self.content
        originals = [binding.original.string for binding in bindings]
        line = originals[at]
        # Blank lines before a binding belong to its original string, and stay.
        indented = line[: len(line) - len(line.lstrip())]
        originals[at] = indented[: max(indented.rfind("\n"), indented.rfind("\r")) + 1]
        text = "".join(originals)
        if line[-1] not in "\r\n":
            text = text.removesuffix("\n").removesuffix("\r")
        return self._encode(text)

    def _find(self, name: str) -> tuple[list[Binding], int | None]:
        bindings = list(parse_stream(StringIO(self._text(), newline="")))
        places = [at for at, binding in enumerate(bindings) if binding.key == name]
        if any(b.error and name in b.original.string for b in bindings):
            raise ConfigFileError(self.path, f"the line of {name} is malformed")
        if len(places) > 1:
            raise ConfigFileError(self.path, f"{name} stands there {len(places)} times")
        if places and bindings[places[0]].value is None:
            raise ConfigFileError(self.path, f"{name} stands there without a value")
        return bindings, places[0] if places else None

    def _revalued(self, original: str, value: str) -> str:
        head = _HEAD.match(original)
        if head is None:
            raise ConfigFileError(self.path, "a line is not understood")
        rest = original[head.end() :]
        if quoted := _QUOTED.match(rest):
            quote = rest[0]
            return f"{head[0]}{quote}{value}{quote}{rest[quoted.end() :]}"
        if rest.startswith("#") and head[0][-1] != "=":
            # `KEY= # remark` has no value; glued to one, the remark would become part of it.
            return f"{head[0]}{value} {rest}"
        line = re.match(r"[^\r\n]*", rest)
        old = _REMARK.sub("", line[0] if line else "").rstrip()
        return f"{head[0]}{value}{rest[len(old) :]}"

    @staticmethod
    def _new_line(before: str, line: str) -> str:
        """The line at the end of `before`, which keeps its way of ending."""
        end = "\r\n" if "\r\n" in before else "\n"
        ends_well = not before or before[-1] in "\r\n"
        return f"{line}{end}" if ends_well else f"{end}{line}"

    def _text(self) -> str:
        return self.content.decode("utf-8", "surrogateescape").removeprefix(_MARK)

    def _encode(self, text: str) -> bytes:
        mark = _MARK if self.content.startswith(_MARK.encode()) else ""
        return (mark + text).encode("utf-8", "surrogateescape")
