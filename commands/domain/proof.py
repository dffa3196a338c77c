"""What was read back from the system. A question that got no answer is unknown, never good."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict

from commands.domain.text import Text

ProofKind: TypeAlias = Literal[
    "digest", "version", "health", "stable", "smoke", "schema", "integrity", "maintenance"
]


class Verdict(StrEnum):
    """The answer to one check."""

    OK = "ok"
    BAD = "bad"
    UNKNOWN = "unknown"


class ProofItem(BaseModel):
    """One thing read back: what it was expected to be and what it is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    service: str
    what: ProofKind
    expected: str = ""
    found: str = ""
    verdict: Verdict


class CheckResult(BaseModel):
    """What a machine found for one checklist point. `figure` is shown beside it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    check: str
    verdict: Verdict
    figure: Text | None = None
