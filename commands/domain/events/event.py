"""What every event is."""

from __future__ import annotations

from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict

AskVerb: TypeAlias = Literal["execute", "undo", "retry", "mark_done", "abandon", "drop_kept"]
Direction: TypeAlias = Literal["forward", "back"]


class Event(BaseModel):
    """Frozen; unknown fields are errors: a newer rollbot's entry is not half-understood."""

    model_config = ConfigDict(frozen=True, extra="forbid")
