"""The procedure's own figures: budgets, windows, mentions, checklist, follow-ups, metrics."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from commands.domain.people import Language

Name: TypeAlias = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,19}$")]
Seconds: TypeAlias = Annotated[float, Field(gt=0, le=86_400)]
Stage: TypeAlias = Literal["identify", "switch", "verify", "none"]
"""What the runbook gives a time of its own; steps of "none" have only their limits."""


WATCH_SEEN = "_watch"
"""What people confirm who took note of a bad watch: no `Name`, so no checklist point has it."""


class Model(BaseModel):
    """Frozen, and unknown keys are errors: a typo in runbook.toml never passes."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Localised(Model):
    """A text of the customer's own, in both languages; `ru` stands in for a missing `en`."""

    ru: str
    en: str = ""

    def say(self, language: Language) -> str:
        """The text in the reader's language."""
        return (self.en or self.ru) if language == "en" else self.ru


class Budgets(Model):
    """The runbook's minutes per stage, in seconds; an overrun shows on the card."""

    identify_s: Seconds = 60
    switch_s: Seconds = 120
    verify_s: Seconds = 60
    total_s: Seconds = 300


Mentioned: TypeAlias = Literal["channel", "here", "people", "nobody"]


class Mentions(Model):
    """Whom messages mention, so that a muted channel rings.

    `channel`, `here`: everybody, by Slack's word for it, on Telegram each of the runbook's people;
    `people`: who asked, and who may decide.
    """

    announcement: Mentioned = "channel"
    attention: Mentioned = "people"


class Timing(Model):
    """Windows and limits, in seconds."""

    stable_s: Seconds = 30
    watch_s: Seconds = 300
    pull_timeout_s: Seconds = 600
    switch_timeout_s: Seconds = 120
    proven_after_s: Seconds = 600
    health_poll_s: Annotated[float, Field(ge=0.01, le=5)] = 0.03


class ChecklistPoint(Model):
    """One line of the post-rollback checklist.

    `confirmed_by`: `machine` points are ticked by the check named `check`, and by people where
    nothing was measured; `person` points by people only. `below` is the figure that the check
    must stay under (a share of 0.01 is 1 %).
    """

    id: Name
    title: Localised
    confirmed_by: Literal["machine", "person"]
    check: str = ""
    below: float | None = None
    hint: Localised | None = None


class FollowUp(Model):
    """Post-rollback actions of one time span, as the runbook lists them."""

    within: Localised
    actions: tuple[Localised, ...]


class Threshold(Model):
    """One line of the decision metrics: consider above, roll back at once above.

    The windows are what a count is taken over. `at_least`: the figure itself counts already
    ("1 firing"), not only what is above it.
    """

    title: Localised
    consider: float
    immediate: float
    unit: str = ""
    consider_window_s: Seconds | None = None
    immediate_window_s: Seconds | None = None
    at_least: bool = False
