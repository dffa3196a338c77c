"""What a card is rendered from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from commands.domain.people import Language
from commands.domain.runbook import EnvironmentDefinition, Runbook
from commands.domain.state import RollbackState


@dataclass(frozen=True, slots=True)
class View:
    """A rollback's state as somebody reads it: in a language, at a moment."""

    state: RollbackState
    runbook: Runbook
    language: Language
    now: datetime

    @property
    def environment(self) -> EnvironmentDefinition:
        """The environment as the runbook has it."""
        return self.runbook.environments[self.state.request.environment]
