"""Slack: `connect` builds its chat and its listener. Import it only where it is configured."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.routing import Route

from bot.slack.chat import SlackChat
from bot.slack.connection import Connection
from bot.slack.door import Door
from bot.slack.forms import Forms
from bot.slack.listener import Listener
from bot.slack.replies import Replies
from bot.slack.standing import People
from bot.slack.wire import Wire
from commands.ports import Chat, Clock, Desk
from commands.settings import SlackSettings

__all__ = ["Connected", "connect"]


@dataclass(frozen=True, slots=True)
class Connected:
    """A platform ready to be started. `start` raises ChatError when a token is refused."""

    chat: Chat
    start: Callable[[], Awaitable[None]]
    stop: Callable[[], Awaitable[None]]
    is_well: Callable[[], bool]
    routes: tuple[Route, ...] = ()
    """Of the bot's web app, in HTTP mode."""


def connect(settings: SlackSettings, desk: Desk, clock: Clock) -> Connected:
    """Build the app; nothing is sent before `start`."""
    wire = Wire(settings)
    replies, people = Replies(clock), People(wire, clock)
    chat = SlackChat(wire, replies, plan_blocks=settings.plan_blocks)
    listener = Listener(desk, clock, chat, people, replies, Forms(wire, desk, people))
    door = _door(settings, clock)
    connection = Connection(settings, wire, listener, people, door)
    routes = (door.route,) if door else ()
    return Connected(chat, connection.start, connection.stop, connection.is_well, routes)


def _door(settings: SlackSettings, clock: Clock) -> Door | None:
    """Socket Mode, where both are set: it needs no address of ours."""
    if settings.app_token is not None or settings.signing_secret is None:
        return None
    return Door(settings.signing_secret, clock)
