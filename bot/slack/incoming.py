"""Slack's payloads as `Incoming`. Pure: who the sender is was asked before.

docs.slack.dev/interactivity/implementing-slash-commands and
docs.slack.dev/reference/interaction-payloads (November 2026).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bot.slack import form
from bot.slack.standing import Sender
from bot.slack.wire import PLATFORM
from commands.domain.conversation import Incoming
from commands.domain.runbook import Channel

Body = dict[str, Any]

_ESCAPED = {"&lt;": "<", "&gt;": ">", "&amp;": "&"}


def home(team: str, channel: str) -> Channel:
    """Where something was said. The workspace is always ours, the speaker's may be another."""
    return Channel(platform=PLATFORM, workspace=team, channel=channel)


def typed(body: Body) -> str:
    """What follows the command, as it was typed: Slack escapes three characters, once."""
    words = str(body.get("text") or "")
    for escaped, character in _ESCAPED.items():
        words = words.replace(escaped, character)
    return words.strip()


def from_command(body: Body, sender: Sender, where: Channel, now: datetime) -> Incoming:
    """A slash command. Its trigger id is the event: a repeated delivery has the same."""
    return Incoming(
        delivery_id=delivery_id(body),
        kind="words",
        words=typed(body),
        identity=sender.identity,
        standing=sender.standing,
        display_name=sender.name,
        home=where,
        private=is_private(where.channel),
        received_at=now,
    )


def from_button(body: Body, sender: Sender, where: Channel, now: datetime) -> Incoming:
    """A press. The value goes back to the desk as it came, forged or not."""
    return Incoming(
        delivery_id=delivery_id(body),
        kind="button",
        words=str(body["actions"][0].get("value") or ""),
        identity=sender.identity,
        standing=sender.standing,
        display_name=sender.name,
        home=where,
        private=is_private(where.channel),
        received_at=now,
    )


def from_form(body: Body, sender: Sender, where: Channel, now: datetime) -> Incoming:
    """A form sent off. A form is accepted once, however often it is sent: its id is the event."""
    return Incoming(
        delivery_id=f"slack:view:{body['view']['id']}",
        kind="words",
        words=form.words(body["view"]),
        identity=sender.identity,
        standing=sender.standing,
        display_name=sender.name,
        home=where,
        private=is_private(where.channel),
        received_at=now,
    )


def delivery_id(body: Body) -> str:
    """The event's own id, the same when Slack delivers it again."""
    return f"slack:{body['trigger_id']}"


def is_private(channel: str) -> bool:
    """Whether it is a direct conversation with the app."""
    return channel.startswith("D")
