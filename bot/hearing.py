"""Whether words may be taken at their word here and now: not too old, and of one environment."""

from __future__ import annotations

from datetime import datetime, timedelta

from commands.domain import spoken as s
from commands.domain.conversation import Incoming
from commands.domain.errors import GrammarError, RefusedError
from commands.domain.people import Language, Platform
from commands.domain.runbook import Runbook
from commands.grammar import parse
from commands.grammar.words import split, without_program
from commands.locale import when

STALE_AFTER = timedelta(minutes=5)
"""Telegram keeps what was written for 24 hours (core.telegram.org/bots/api#getting-updates)."""

OPTION = "--env"
ANYWHERE = (s.Help, s.Oncall)
"""What is the same in every environment."""


def named_environment(words: str) -> str | None:
    """The environment that words name by `--env`, known or not; None when they name none."""
    try:
        said = without_program(split(words))
    except GrammarError:
        return None
    for at, word in enumerate(said):
        option, equals, value = word.partition("=")
        if option.lower() == OPTION:
            following = said[at + 1] if at + 1 < len(said) else ""
            return (value if equals else following).lower() or None
    return None


def must_name_environment(words: str, runbook: Runbook, environment: str) -> None:
    """Where no channel tells the environment, words do. Raises RefusedError.

    `environment` is the one against which words about none in particular are read.
    """
    first, *others = several = tuple(runbook.environments)
    if not others or named_environment(words) is not None:
        return
    try:
        anywhere = isinstance(parse(words, runbook, environment), ANYWHERE)
    except GrammarError:
        # A name that is unknown in one environment may be meant for another.
        anywhere = False
    if not anywhere:
        raise RefusedError("refused.which_environment", environments=several, first=first)


def bound_channels(runbook: Runbook, platform: Platform) -> tuple[str, ...]:
    """Where one can be heard on a platform: channels, each with its environment."""
    return tuple(
        f"{channel.channel} ({name})"
        for name, definition in runbook.environments.items()
        for channel in definition.channels
        if channel.platform == platform
    )


def must_be_fresh(
    incoming: Incoming, spoken: s.Spoken, runbook: Runbook, language: Language, now: datetime
) -> None:
    """Old words change nothing, questions are answered however old. Raises RefusedError."""
    if incoming.kind != "words" or isinstance(spoken, s.Query):
        return
    if now - incoming.received_at > STALE_AFTER:
        at = when(incoming.received_at, runbook.timezone, language, now)
        raise RefusedError("refused.stale", at=at)
