"""What the Telegram stand-in knows: people, chats and messages, and their Bot API form.

Shapes follow https://core.telegram.org/bots/api (Bot API 9.x) as far as a text-only bot sees them.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any, Literal

Json = dict[str, Any]
ChatKind = Literal["private", "group", "supergroup", "channel"]

ANONYMOUS_ADMIN_ID = 1087968824
CHANNEL_SENDER_ID = 136817688


def utf16_length(text: str) -> int:
    """Length in the units in which Telegram counts offsets and lengths."""
    return len(text.encode("utf-16-le")) // 2


@dataclass(frozen=True, slots=True)
class User:
    """One account, or one of Telegram's own service accounts."""

    id: int
    first_name: str
    username: str | None = None
    language_code: str | None = None
    is_bot: bool = False

    def as_json(self) -> Json:
        optional = {"username": self.username, "language_code": self.language_code}
        return {
            "id": self.id,
            "is_bot": self.is_bot,
            "first_name": self.first_name,
            **{name: value for name, value in optional.items() if value is not None},
        }


ANONYMOUS_ADMIN = User(ANONYMOUS_ADMIN_ID, "Group", "GroupAnonymousBot", is_bot=True)
CHANNEL_SENDER = User(CHANNEL_SENDER_ID, "Channel", "Channel_Bot", is_bot=True)


@dataclass(slots=True, eq=False)
class Chat:
    """A private conversation, a group, a supergroup (perhaps with topics) or a channel."""

    id: int
    kind: ChatKind
    title: str
    user: User | None = None
    forum: bool = False
    topics: set[int] = field(default_factory=set)
    reachable: bool = True
    """False: a private chat that its person has not started (or has blocked), a group we left."""
    migrated_to: int | None = None

    @property
    def is_private(self) -> bool:
        return self.kind == "private"

    def as_json(self) -> Json:
        if self.user is not None:
            person = {"first_name": self.user.first_name, "username": self.user.username}
            return {"id": self.id, "type": self.kind, **{k: v for k, v in person.items() if v}}
        described: Json = {"id": self.id, "type": self.kind, "title": self.title}
        return {**described, "is_forum": True} if self.forum else described


@dataclass(frozen=True, slots=True)
class Button:
    """One button of an inline keyboard; exactly one of `data` and `url` is set."""

    text: str
    data: str | None
    url: str | None

    def as_json(self) -> Json:
        target = {"url": self.url} if self.url else {"callback_data": self.data}
        return {"text": self.text, **target}


Keyboard = tuple[tuple[Button, ...], ...]


@dataclass(slots=True, eq=False)
class Message:
    """One message as it stands now; `history` holds every text it has had, oldest first."""

    id: int
    chat: Chat
    sender: User | None
    text: str
    source: str
    """What was sent, markup included."""
    entities: list[Json] = field(default_factory=list)
    keyboard: Keyboard = ()
    topic: int | None = None
    reply_to: int | None = None
    deleted: bool = False
    edited: bool = False
    silent: bool = False
    sent_at_s: int = field(default_factory=lambda: int(time.time()))
    extra: Json = field(default_factory=dict)
    history: list[str] = field(default_factory=list)

    @property
    def buttons(self) -> list[str]:
        """The labels of the buttons, row by row."""
        return [button.text for row in self.keyboard for button in row]

    def find_button(self, wanted: str) -> Button | None:
        """The button with this label or callback data, if the message has it now."""
        every = [button for row in self.keyboard for button in row]
        return next((b for b in every if wanted in (b.text, b.data)), None)

    def as_json(self) -> Json:
        message: Json = {"message_id": self.id, "date": self.sent_at_s, "chat": self.chat.as_json()}
        if self.sender is not None:
            message["from"] = self.sender.as_json()
        if self.text:
            message["text"] = self.text
        if self.entities:
            message["entities"] = self.entities
        if self.keyboard:
            rows = [[button.as_json() for button in row] for row in self.keyboard]
            message["reply_markup"] = {"inline_keyboard": rows}
        if self.topic is not None:
            message |= {"message_thread_id": self.topic, "is_topic_message": True}
        if self.edited:
            message["edit_date"] = int(time.time())
        return message | self.extra


@dataclass(slots=True, eq=False)
class Press:
    """One press of a button, and what the bot answered to it."""

    id: str
    user: User
    message: Message
    data: str
    pressed_at_s: float = field(default_factory=time.monotonic)
    fetched: bool = False
    answered: bool = False
    expired: bool = False
    answer: str = ""
    alert: bool = False

    def age_s(self) -> float:
        return time.monotonic() - self.pressed_at_s

    def as_json(self) -> Json:
        return {
            "id": self.id,
            "from": self.user.as_json(),
            "message": self.message.as_json(),
            "chat_instance": str(self.message.chat.id),
            "data": self.data,
        }
