"""Configuration files in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from commands.domain.plan import Pin
from workers.adapters.env_files import EnvFile
from workers.adapters.override_file import OverrideFile


@dataclass(slots=True)
class FakeConfigFiles:
    """`ConfigFiles` over a dictionary of path to bytes. `writes` counts changes of a file."""

    files: dict[str, bytes] = field(default_factory=dict)
    writes: int = 0

    def pinned(self, pin: Pin) -> str | None:
        content = self.files.get(pin.path, b"")
        if pin.kind == "variable":
            return EnvFile(pin.path, content).variable(pin.name)
        return OverrideFile.of(pin.path, content).image(pin.name)

    def write_pin(self, pin: Pin, keep_as: str) -> None:
        content = self.files.get(pin.path, b"")
        if pin.kind == "variable":
            changed = EnvFile(pin.path, content).with_variable(pin.name, pin.value)
        else:
            changed = OverrideFile.of(pin.path, content).with_image(pin.name, pin.value)
        if pin.path in self.files:
            self.files.setdefault(keep_as, content)
        self._write(pin.path, changed)

    def remove_pin(self, pin: Pin) -> None:
        content = self.files.get(pin.path, b"")
        if pin.kind == "variable":
            changed = EnvFile(pin.path, content).without_variable(pin.name)
        else:
            changed = OverrideFile.of(pin.path, content).without_image(pin.name)
        if changed != content:
            self._write(pin.path, changed)

    def fingerprint(self, path: str) -> str:
        return sha256(self.files[path]).hexdigest() if path in self.files else ""

    def values(self, path: str) -> Mapping[str, str | None]:
        return EnvFile(path, self.files.get(path, b"")).values()

    def _write(self, path: str, content: bytes) -> None:
        self.files[path] = content
        self.writes += 1
