"""The state behind the Telegram stand-in: who is there, what was said, what the bot must fetch."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from typing import TypeVar

from tests.servers.telegram_faults import ApiError, Limits
from tests.servers.telegram_model import (
    Chat,
    ChatKind,
    Json,
    Keyboard,
    Message,
    Press,
    User,
)

T = TypeVar("T")

UPDATE_KINDS = ("message", "edited_message", "channel_post", "callback_query", "my_chat_member")

PATIENCE_S = 60.0
"""How long is waited for the bot: a busy test machine is slow."""


class World:
    """People, chats, messages, and updates that wait until the bot's offset passes them."""

    def __init__(self, *, strict_limits: bool = False) -> None:
        self.me = User(700000001, "rollbot", "rollbot_test_bot", is_bot=True)
        self.limits = Limits(enforced=strict_limits)
        self.violations: list[str] = []
        self.commands: dict[tuple[str, str], list[Json]] = {}
        self.calls: list[tuple[str, Json]] = []
        self.updates: list[Json] = []
        self.presses: dict[str, Press] = {}
        self.webhook = ""
        self.webhook_secret = ""
        self.webhook_kinds: set[str] = set()
        self.webhook_error: Json = {}
        self.privacy = True
        """In groups a bot hears only commands, mentions and replies to itself."""
        self._users: dict[int, User] = {self.me.id: self.me}
        self._chats: dict[int, Chat] = {}
        self._messages: dict[int, list[Message]] = {}
        self._user_ids = itertools.count(5001)
        self._group_ids = itertools.count(1000000001)
        self._update_ids = itertools.count(900000001)
        self._press_ids = itertools.count(440000000000001)
        self._changed = asyncio.Condition()

    # --- who is there

    def user(
        self,
        first_name: str,
        *,
        username: str | None = None,
        language_code: str | None = "ru",
        is_bot: bool = False,
        started: bool = True,
        user_id: int | None = None,
    ) -> User:
        """A person (or another bot); `started=False`: we may not write to them first."""
        number = user_id or next(self._user_ids)
        person = User(number, first_name, username, language_code, is_bot)
        self._users[number] = person
        private = Chat(number, "private", first_name, user=person, reachable=started)
        self._chats[number] = private
        return person

    def private(self, person: User) -> Chat:
        return self._chats[person.id]

    def group(
        self,
        title: str,
        kind: ChatKind = "supergroup",
        *,
        forum: bool = False,
        chat_id: int | None = None,
    ) -> Chat:
        """A supergroup (default), small group (`"group"`) or channel the bot is a member of."""
        number = next(self._group_ids)
        free_id = -number if kind == "group" else -1000000000000 - number
        chat = Chat(chat_id or free_id, kind, title, forum=forum)
        self._chats[chat.id] = chat
        return chat

    def topic(self, chat: Chat, title: str) -> int:
        """A new topic of a forum: its `message_thread_id`."""
        assert chat.forum, f"{chat.title} has no topics"
        created = self.store(chat, self.me, "", title, extra={"forum_topic_created": {}})
        chat.topics.add(created.id)
        return created.id

    def known_user(self, user_id: int) -> User | None:
        return self._users.get(user_id)

    def chat_by_id(self, chat_id: object) -> Chat:
        """Raises the `ApiError` that Telegram gives for a chat we cannot write to."""
        wanted = str(chat_id)
        number = int(wanted) if wanted.lstrip("-").isdigit() else 0
        chat = self._chats.get(number)
        if chat is None:
            raise ApiError(400, "Bad Request: chat not found")
        if chat.migrated_to is not None:
            description = "Bad Request: group chat was upgraded to a supergroup chat"
            raise ApiError(400, description, migrate_to_chat_id=chat.migrated_to)
        if not chat.reachable:
            reason = {
                "private": "bot can't initiate conversation with a user",
                "channel": "bot is not a member of the channel chat",
            }.get(chat.kind, f"bot was kicked from the {chat.kind} chat")
            raise ApiError(403, f"Forbidden: {reason}")
        return chat

    # --- what was said

    def store(
        self,
        chat: Chat,
        sender: User | None,
        text: str,
        source: str | None = None,
        *,
        topic: int | None = None,
        reply_to: int | None = None,
        keyboard: Keyboard = (),
        extra: Json | None = None,
    ) -> Message:
        """Append one message to a chat; ids count from 1 in every chat."""
        said = self._messages.setdefault(chat.id, [])
        message = Message(
            id=len(said) + 1,
            chat=chat,
            sender=sender,
            text=text,
            source=text if source is None else source,
            topic=topic,
            reply_to=reply_to,
            keyboard=keyboard,
            extra=extra or {},
            history=[text],
        )
        said.append(message)
        return message

    def message(self, chat: Chat, message_id: int) -> Message | None:
        said = self._messages.get(chat.id, [])
        found = said[message_id - 1] if 0 < message_id <= len(said) else None
        return None if found is None or found.deleted else found

    def messages(self, chat: Chat) -> list[Message]:
        """What the bot has said in a chat and is still there, oldest first."""
        return [m for m in self.transcript(chat) if m.sender == self.me and m.text]

    def transcript(self, chat: Chat) -> list[Message]:
        """Everything in a chat that is still there, oldest first."""
        return [m for m in self._messages.get(chat.id, []) if not m.deleted]

    def find(self, chat: Chat, words: str) -> Message | None:
        """The bot's newest message in a chat whose text contains these words."""
        return next((m for m in reversed(self.messages(chat)) if words in m.text), None)

    # --- what the bot must fetch, and what the tests wait for

    async def queue(self, kind: str, payload: Json) -> Json:
        """Put one update into the bot's queue; it stays until the offset passes it."""
        assert kind in UPDATE_KINDS, kind
        update = {"update_id": next(self._update_ids), kind: payload}
        self.updates.append(update)
        await self.announce()
        return update

    def new_press(self, user: User, message: Message, data: str) -> Press:
        press = Press(str(next(self._press_ids)), user, message, data)
        self.presses[press.id] = press
        return press

    async def announce(self) -> None:
        """Tell everyone who waits that something changed."""
        async with self._changed:
            self._changed.notify_all()

    async def wait_for(self, predicate: Callable[[], T], within_s: float = PATIENCE_S) -> T:
        """Wait until `predicate()` is true and return its value.

        Looked at after every change here. Raises AssertionError with the transcripts after
        `within_s` seconds.
        """

        async def met() -> T:
            async with self._changed:
                while not (value := predicate()):
                    await self._changed.wait()
                return value

        try:
            return await asyncio.wait_for(met(), within_s)
        except TimeoutError:
            raise AssertionError(f"not seen in {within_s} s. Telegram holds:\n{self}") from None

    def violate(self, what: str) -> None:
        self.violations.append(what)

    def __str__(self) -> str:
        lines = [f"violation: {what}" for what in self.violations]
        for chat in self._chats.values():
            for message in self.transcript(chat):
                name = message.sender.first_name if message.sender else "-"
                where = f"{chat.title}/{message.topic}" if message.topic else chat.title
                lines.append(f"[{where} #{message.id}] {name}: {message.text} {message.buttons}")
        return "\n".join(lines)
