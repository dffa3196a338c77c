"""What every step offers, and what its probe and its effect can say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TypeAlias

from commands.domain.database import BackupRecord
from commands.domain.plan import EvidenceItem
from commands.domain.proof import ProofItem
from commands.domain.text import Text

Before: TypeAlias = Mapping[str, str]
"""The state captured before the effect, as it stands in the journal."""


class Progress(StrEnum):
    """How far a step got, as the world shows it (never as we remember it).

    PARTIAL: begun, and applying again heals it. IN_DOUBT: neither before nor after; only people
    may decide.
    """

    UNTOUCHED = "untouched"
    DONE = "done"
    PARTIAL = "partial"
    IN_DOUBT = "in_doubt"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an effect says for itself: a detail for the card, proof, evidence.

    `backup`: one that was proven, for the environment to remember. `is_moot`: people decided
    meanwhile that the step is to be left, and it was.
    """

    detail: Text | None = None
    proof: tuple[ProofItem, ...] = ()
    evidence: tuple[EvidenceItem, ...] = ()
    backup: BackupRecord | None = None
    is_moot: bool = False


class Step(Protocol):
    """One effect on the world, or one question to it.

    `apply` and `revert` are safe to repeat. They raise CheckFailedError when the world's answer
    is bad and EngineError when there was none; after either the probe tells where things stand.
    """

    def capture(self) -> dict[str, str]:
        """The state to come back to. Written to the journal before the effect."""
        ...

    def probe(self, before: Before) -> Progress:
        """Where things stand, seen from outside."""
        ...

    def apply(self) -> Outcome:
        """Have the effect."""
        ...

    def changed_since(self, before: Before) -> Text | None:
        """What others changed here since the effect, which a revert would overwrite; else None.

        What this step's own effect or a revert that was cut short left behind is nobody else's.
        """
        ...

    def revert(self, before: Before) -> Text | None:
        """Go back to the captured state. What it says, if anything, stands on the card."""
        ...
