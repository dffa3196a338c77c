"""What every fact of a survey is."""

from __future__ import annotations

from typing import TypeAlias

from pydantic import BaseModel, ConfigDict

ImageDigest: TypeAlias = str
"""`sha256:…`: the registry's manifest digest where a registry knows it, else the image id."""


class Fact(BaseModel):
    """Frozen; unknown fields are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")
