"""What the embedded engine remembers, and the list of everything it ever did."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import Field

from rollbot.demo.containers import Container
from rollbot.demo.images import Record, Shelf


class Stock(Record):
    """Everything that outlives the daemon; containers by name."""

    registry: Shelf = Shelf()
    local: Shelf = Shelf()
    containers: dict[str, Container] = Field(default_factory=dict)


class Effect(Record):
    """One change the engine made."""

    at: datetime
    kind: str
    subject: str
    detail: str


@dataclass(slots=True)
class Shelves:
    """The stock on disk (one file, replaced whole) and the effects (one line each, only added)."""

    directory: Path

    @property
    def _file(self) -> Path:
        return self.directory / "stock.json"

    @property
    def _effects(self) -> Path:
        return self.directory / "effects.jsonl"

    def read(self) -> Stock:
        """The stock as last written; empty on a first start."""
        if not self._file.exists():
            return Stock()
        return Stock.model_validate_json(self._file.read_bytes())

    def write(self, stock: Stock) -> None:
        """Replace the stock in one step: a reader meets the old or the new, never a half."""
        fresh = self._file.with_suffix(".new")
        fresh.write_text(stock.model_dump_json())
        fresh.replace(self._file)

    def note(self, kind: str, subject: str, detail: str = "") -> None:
        """Add one effect to the list."""
        effect = Effect(at=datetime.now(UTC), kind=kind, subject=subject, detail=detail)
        with self._effects.open("a") as file:
            file.write(effect.model_dump_json() + "\n")

    def effects(self) -> list[Effect]:
        """Every effect, oldest first."""
        if not self._effects.exists():
            return []
        lines = self._effects.read_text().splitlines()
        return [Effect.model_validate(json.loads(line)) for line in lines]
