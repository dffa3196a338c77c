"""What a Slack workspace holds: people, channels, messages, forms, and what was done wrong."""

from __future__ import annotations

import asyncio
import copy
import itertools
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from tests.servers import slack_blocks

TEAM = "T0HOME"
APP = "A0ROLLBOT"
BOT = "U0ROLLBOT"
BOT_ID = "B0ROLLBOT"
TRIGGER_LIFE_S = 30.0
"""Slack's is 3 s: ten times as long, since a busy test machine is not Slack's impatience."""
PATIENCE_S = 60.0
"""How long people and the stand-in wait for the app."""

_PING = re.compile(r"<(!(?:channel|here|everyone)[^>]*|!subteam\^[^>]+|@[UW][A-Z0-9]+[^>]*)>")

Json = dict[str, Any]
T = TypeVar("T")


class RefusalError(Exception):
    """An answer of the Web API with `ok: false`."""

    def __init__(self, error: str, **extra: Any) -> None:
        super().__init__(error)
        self.error, self.extra = error, extra


@dataclass(slots=True)
class Person:
    """Somebody who can be seen from the workspace."""

    id: str
    name: str
    team_id: str = TEAM
    is_guest: bool = False
    is_bot: bool = False

    @property
    def is_stranger(self) -> bool:
        return self.team_id != TEAM


@dataclass(slots=True)
class Channel:
    """A channel or a direct conversation."""

    id: str
    name: str
    members: set[str]
    is_archived: bool = False
    is_private: bool = False


@dataclass(slots=True)
class Message:
    """One message as people see it now; `earlier` holds what it said before each edit."""

    channel: str
    ts: str
    text: str
    blocks: list[Json]
    thread_ts: str | None = None
    metadata: Json | None = None
    is_deleted: bool = False
    is_frozen: bool = False
    to: str | None = None
    earlier: list[tuple[str, list[Json]]] = field(default_factory=list)

    @property
    def all_text(self) -> str:
        """Everything a reader sees, blocks first, unescaped as sent."""
        return "\n".join([*slack_blocks.texts(self.blocks), self.text])

    @property
    def buttons(self) -> list[Json]:
        """Interactive elements in reading order."""
        return list(slack_blocks.elements(self.blocks))

    @property
    def pings(self) -> set[str]:
        """Whom the message wakes: `@U…`, `!channel`, `!here`, `!subteam^S…`."""
        return {
            ping
            for words in [self.text, *slack_blocks.formatted(self.blocks)]
            for ping in _PING.findall(words)
        }

    def edit(self, text: str, blocks: list[Json]) -> None:
        self.earlier.append((self.text, self.blocks))
        self.text, self.blocks = text, blocks

    def as_json(self, *, with_metadata: bool = False) -> Json:
        found: Json = {
            "type": "message",
            "user": BOT,
            "bot_id": BOT_ID,
            "app_id": APP,
            "ts": self.ts,
            "text": self.text,
            "blocks": copy.deepcopy(self.blocks),
        }
        if self.thread_ts:
            found["thread_ts"] = self.thread_ts
        if with_metadata and self.metadata:
            found["metadata"] = copy.deepcopy(self.metadata)
        return found


@dataclass(slots=True)
class Form:
    """An open modal of one person."""

    id: str
    user: str
    view: Json
    hash: str
    is_open: bool = True
    suggested: dict[str, Json] = field(default_factory=dict)


class World:
    """State of the workspace. Every change wakes `wait_for`."""

    def __init__(self) -> None:
        self.people: dict[str, Person] = {BOT: Person(BOT, "rollbot", is_bot=True)}
        self.channels: dict[str, Channel] = {}
        self.messages: list[Message] = []
        self.ephemerals: list[Message] = []
        self.forms: dict[str, Form] = {}
        self.triggers: dict[str, tuple[str, float]] = {}
        self.violations: list[str] = []
        self.trigger_life_s = TRIGGER_LIFE_S
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()
        self._serial = itertools.count(1)

    def serial(self) -> int:
        return next(self._serial)

    def new_ts(self) -> str:
        return f"{int(time.time())}.{self.serial():06d}"

    def violation(self, what: str) -> None:
        """Something that a correct app never does."""
        self.violations.append(what)
        self.touch()

    def touch(self) -> None:
        """Wake everybody who waits, from whichever thread."""
        waiting, self._changed = self._changed, asyncio.Event()
        self._loop.call_soon_threadsafe(waiting.set)

    async def wait_for(self, predicate: Callable[[], T], timeout_s: float = PATIENCE_S) -> T:
        """First truthy answer of `predicate`, asked again after every change.

        Raises TimeoutError after `timeout_s` seconds.
        """
        async with asyncio.timeout(timeout_s):
            while True:
                changed = self._changed
                if found := predicate():
                    return found
                await changed.wait()

    def new_trigger(self, user: str) -> str:
        trigger = f"{self.serial()}.{APP}.{'f' * 16}"
        self.triggers[trigger] = (user, time.monotonic())
        return trigger

    def use_trigger(self, trigger: str) -> str:
        """Whose click this was; a trigger opens one form, and soon expires."""
        if trigger not in self.triggers:
            raise RefusalError("invalid_trigger_id")
        user, born = self.triggers.pop(trigger)
        if time.monotonic() - born > self.trigger_life_s:
            raise RefusalError("expired_trigger_id")
        return user

    def person(self, user: str) -> Person:
        if user not in self.people:
            raise RefusalError("user_not_found")
        return self.people[user]

    def channel(self, channel: str) -> Channel:
        """A channel the app may look at; as in Slack, one it is not in is not always hidden."""
        if channel not in self.channels:
            raise RefusalError("channel_not_found")
        return self.channels[channel]

    def writable(self, channel: str) -> Channel:
        found = self.channel(channel)
        if found.is_archived:
            raise RefusalError("is_archived")
        if BOT not in found.members:
            raise RefusalError("not_in_channel")
        return found

    def message(self, channel: str, ts: str) -> Message:
        """A message that still stands. One that never stood is our mistake."""
        for message in self.messages:
            if (message.channel, message.ts) == (channel, ts):
                if message.is_deleted:
                    raise RefusalError("message_not_found")
                return message
        self.violation(f"no message {ts} was ever posted in {channel}")
        raise RefusalError("message_not_found")

    def direct(self, user: str) -> Channel:
        """The direct conversation of the app with one person."""
        wanted = f"D{user[1:]}"
        if wanted not in self.channels:
            self.channels[wanted] = Channel(wanted, "directmessage", {user, BOT})
        return self.channels[wanted]
