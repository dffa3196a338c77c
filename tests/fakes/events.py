"""A small union of events, for tests of what is generic over events."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter


class Opened(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["opened"] = "opened"
    rollback: str
    words: tuple[str, ...] = ()
    env: dict[str, str] = Field(default_factory=dict)


class Noted(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["noted"] = "noted"
    note: str


AnyEvent = Opened | Noted
ADAPTER: TypeAdapter[AnyEvent] = TypeAdapter(Annotated[AnyEvent, Field(discriminator="kind")])

KEY = b"k" * 32
