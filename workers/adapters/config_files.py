"""The env and override files of one environment, on disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from commands.domain.plan import Pin
from workers.adapters.atomic_file import keep_copy, read_bytes, replace
from workers.adapters.env_files import EnvFile
from workers.adapters.override_file import OverrideFile


@dataclass(frozen=True, slots=True)
class FilesOnDisk:
    """`ConfigFiles` on the worker's own disk. Relative paths start at `directory`.

    A file that does not exist is read as an empty one, as Compose does with its `.env`, and is
    made by the first `write_pin`.
    """

    directory: Path

    def pinned(self, pin: Pin) -> str | None:
        """The value now at this pin's place; None if there is none."""
        content = self._content(pin.path)
        if pin.kind == "variable":
            return EnvFile(pin.path, content).variable(pin.name)
        return OverrideFile.of(pin.path, content).image(pin.name)

    def write_pin(self, pin: Pin, keep_as: str) -> None:
        """Write the pin's value, everything else untouched; the previous file is kept once."""
        content = self._content(pin.path)
        if pin.kind == "variable":
            changed = EnvFile(pin.path, content).with_variable(pin.name, pin.value)
        else:
            changed = OverrideFile.of(pin.path, content).with_image(pin.name, pin.value)
        keep_copy(self._at(pin.path), self._at(keep_as))
        replace(self._at(pin.path), changed)

    def remove_pin(self, pin: Pin) -> None:
        """Take the pin out again. Safe to repeat; the file itself stays, if only empty."""
        content = self._content(pin.path)
        if pin.kind == "variable":
            changed = EnvFile(pin.path, content).without_variable(pin.name)
        else:
            changed = OverrideFile.of(pin.path, content).without_image(pin.name)
        if changed != content:
            replace(self._at(pin.path), changed)

    def fingerprint(self, path: str) -> str:
        """SHA-256 (hex) of a file's bytes; "" if there is no such file."""
        content = read_bytes(self._at(path))
        return "" if content is None else sha256(content).hexdigest()

    def values(self, path: str) -> Mapping[str, str | None]:
        """Keys and values of an env file (python-dotenv, interpolate=False)."""
        return EnvFile(path, self._content(path)).values()

    def _content(self, path: str) -> bytes:
        return read_bytes(self._at(path)) or b""

    def _at(self, path: str) -> Path:
        return self.directory / path
