"""Who is heard where, and whether words may be taken at their word here and now."""

from __future__ import annotations

from collections.abc import Collection, Container
from datetime import datetime, timedelta

from commands.domain import spoken as s
from commands.domain.conversation import Incoming, Standing
from commands.domain.errors import GrammarError, RefusedError
from commands.domain.people import Language, Platform
from commands.domain.runbook import Channel, Runbook
from commands.grammar import parse
from commands.grammar.words import split, without_program
from commands.locale import when

STALE_AFTER = timedelta(minutes=5)
"""Telegram keeps what was written for 24 hours (core.telegram.org/bots/api#getting-updates)."""

WORDS_MAX = 8_000
"""Characters. The longest words with a meaning are a reason's: a Slack form takes 3,000, a Telegram
message 4,096 in all, and 5,000 are promised to be whole in the audit."""

OPTION = "--env"
ANYWHERE = (s.Help, s.Oncall)
"""What is the same in every environment."""


def bound_environment(channel: Channel, runbook: Runbook, served: Container[str]) -> str | None:
    """The environment that the channel is bound to; None for none, or one not `served` here."""
    if channel.platform in ("console", "shell"):
        return channel.channel if channel.channel in served else None
    found = runbook.environment_of(channel)
    return found if found in served else None


def environment_of(incoming: Incoming, runbook: Runbook, served: Collection[str]) -> str:
    """Whose journal this belongs to: the one named, the channel's, else the first one's.

    A button names it, and in private so do words with `--env`.

    Our people's words from an unbound channel are kept too (for the audit), and refused when
    answered.
    """
    if incoming.kind == "button":
        named = incoming.words.split(":")[1:2]
        if named and named[0] in served:
            return named[0]
    elif incoming.private:
        asked = named_environment(incoming.words)
        if asked is not None and asked in served:
            return asked
    return bound_environment(incoming.home, runbook, served) or next(iter(served))


def is_outsider(incoming: Incoming, runbook: Runbook, *, bound: bool) -> bool:
    """Whether this is nobody to us: who reads along in a bound channel may ask there.

    `bound`: said in a channel that the runbook binds to an environment.
    """
    return not bound and runbook.person_of(incoming.identity) is None


def outsider(incoming: Incoming) -> RefusedError:
    """What an outsider is told."""
    who = incoming.identity
    account = ":".join(filter(None, (who.workspace, who.user)))
    return RefusedError("refused.outsider", platform=who.platform, account=account)


def must_be_welcome(incoming: Incoming, runbook: Runbook, *, bound: bool) -> None:
    """A member, and one of the runbook's people or in a bound channel. Raises RefusedError."""
    if incoming.standing is not Standing.MEMBER:
        raise RefusedError(f"refused.standing_{incoming.standing.value}")
    if is_outsider(incoming, runbook, bound=bound):
        raise outsider(incoming)
    if incoming.kind == "words" and not (bound or incoming.private):
        channels = bound_channels(runbook, incoming.identity.platform)
        raise RefusedError("refused.unbound_channel", here=incoming.home.channel, channels=channels)


def must_be_short(incoming: Incoming) -> None:
    """Nobody means more, and it would be kept for ever. Raises RefusedError."""
    if len(incoming.words) > WORDS_MAX:
        raise RefusedError("refused.too_long", length=len(incoming.words), limit=WORDS_MAX)


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
