"""Where a rollback's card stands: where it was asked for, and always where its team reads."""

from __future__ import annotations

from bot.cards.view import View
from commands.domain.people import Platform
from commands.domain.runbook import Channel

PUBLIC = ("slack", "telegram")
"""Platforms whose channels a team reads; a terminal shows only what is open in it."""


def homes_of(view: View, platform: Platform, channels: tuple[Channel, ...]) -> tuple[Channel, ...]:
    """The conversations of one platform that hold the card. `channels` are the environment's there.

    Asked for from a shell, a terminal or a direct message, it has no channel of its own: then every
    channel of the environment is one, so that its people see it and can decide.
    """
    if platform == "console":
        # A terminal is nobody's channel: it shows every rollback of its environment.
        return channels
    own = tuple(home for home in view.state.homes if home.platform == platform)
    if any(_is_bound(view, home) for home in view.state.homes):
        return own
    return (*own, *(channel for channel in channels if channel not in own))


def _is_bound(view: View, home: Channel) -> bool:
    """Whether it is a channel of this environment, read by more than the asker."""
    here = view.state.request.environment
    return home.platform in PUBLIC and view.runbook.environment_of(home) == here


def name_of(channel: Channel) -> str:
    """A conversation as message keys name it."""
    return ":".join(filter(None, (channel.platform, channel.channel, channel.topic)))
