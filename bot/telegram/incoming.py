"""Update → what a person meant. Pure: nothing is asked of Telegram here.

Who speaks is decided by ids alone (https://core.telegram.org/bots/api#message): `from` is absent in
channels and is a shared service account for anonymous administrators and for people who write as a
channel, so none of these is a person.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto

from telegram import CallbackQuery, Chat, Message, Update, User

from bot.telegram.markup import cut, one_line
from bot.telegram.renderer import ASK_FIRST
from bot.telegram.wire import Moves
from commands.domain.conversation import Incoming, Standing
from commands.domain.people import Identity
from commands.domain.runbook import Channel

ANONYMOUS_ADMIN_ID = 1087968824
CHANNEL_SENDER_ID = 136817688
SERVICE_ID = 777000
"""Telegram itself: among others, posts of a linked channel arrive under this id."""

CONFIRMED, DISMISS, MENU = "!", "-", "~"
MENU_HOME, MENU_SERVICE, MENU_WORDS = "~b", "~s ", "~v "

_COMMAND = re.compile(
    r"/(?P<verb>rollback|help|start)(?:@(?P<bot>\w+))?(?:\s+(?P<rest>.*))?",
    re.DOTALL | re.IGNORECASE,
)


class Intent(Enum):
    """What has to be done with an update."""

    HAND_IN = auto()
    MENU = auto()
    PICK_SERVICE = auto()
    ASK = auto()
    DISMISS = auto()


@dataclass(frozen=True, slots=True)
class Heard:
    """One update understood. `argument`: a service to pick or a value to ask about."""

    intent: Intent
    incoming: Incoming
    chat_id: int
    message_id: int
    topic: int | None = None
    query: CallbackQuery | None = None
    argument: str = ""

    @property
    def label(self) -> str:
        """What stands on the pressed button, as far as the message still shows it."""
        shown = self.query.message if self.query else None
        if self.query is None or not isinstance(shown, Message) or shown.reply_markup is None:
            return ""
        rows = shown.reply_markup.inline_keyboard
        return next((b.text for r in rows for b in r if b.callback_data == self.query.data), "")

    @property
    def is_question(self) -> bool:
        """Whether it was pressed on a question or a menu, which is thereby answered."""
        data = (self.query and self.query.data) or ""
        return data.startswith((CONFIRMED, DISMISS, MENU))


def hear(update: Update, username: str, moves: Moves, now: datetime) -> Heard | None:
    """What an update means; None when it is none of our business (edits, talk, other bots)."""
    if update.callback_query is not None:
        return _press(update.callback_query, moves, now)
    message = update.message or update.channel_post
    if message is None:
        return None
    words = words_of(message, username)
    if words is None:
        return None
    incoming = Incoming(
        delivery_id=f"message:{message.chat.id}:{message.message_id}",
        kind="words",
        words=words,
        identity=_identity(message.from_user, message.sender_chat or message.chat),
        standing=standing_of(message),
        display_name=_display_name(message.from_user),
        home=home_of(message.chat, topic_of(message), moves),
        private=message.chat.type == Chat.PRIVATE,
        # Telegram keeps it for up to 24 hours while nobody asks; how old it is counts.
        received_at=message.date,
    )
    is_bare = not words and incoming.standing is Standing.MEMBER
    intent = Intent.MENU if is_bare else Intent.HAND_IN
    return Heard(intent, incoming, message.chat.id, message.message_id, topic_of(message))


def words_of(message: Message, username: str) -> str | None:
    """What follows `/rollback`; None when the message is not for us.

    In a private chat everything is for us. `/start` and `/help` are the word "help".
    """
    said = (message.text or "").strip()
    command = _COMMAND.fullmatch(said)
    if command is None:
        is_for_us = message.chat.type == Chat.PRIVATE and said and not said.startswith("/")
        return said if is_for_us else None
    if command["bot"] and command["bot"].lower() != username.lower():
        return None
    rest = (command["rest"] or "").strip()
    match command["verb"].lower():
        case "start":
            return "help"
        case "help":
            return f"help {rest}".strip()
        case _:
            return rest


def standing_of(message: Message) -> Standing:
    """Whether a person said this themselves."""
    sender = message.from_user
    if sender is None or sender.id in (CHANNEL_SENDER_ID, SERVICE_ID):
        return Standing.CHANNEL
    if sender.id == ANONYMOUS_ADMIN_ID:
        return Standing.ANONYMOUS
    if message.sender_chat is not None:
        return Standing.CHANNEL
    if sender.is_bot or message.via_bot is not None:
        return Standing.BOT
    return Standing.FORWARD if message.forward_origin is not None else Standing.MEMBER


def topic_of(message: Message) -> int | None:
    """The forum topic; a thread of replies outside a forum is none."""
    return message.message_thread_id if message.is_topic_message else None


def home_of(chat: Chat, topic: int | None, moves: Moves) -> Channel:
    """Where it was said, under the id that the runbook knows."""
    return Channel(
        platform="telegram",
        channel=str(moves.origin(chat.id)),
        topic="" if topic is None else str(topic),
    )


def _press(query: CallbackQuery, moves: Moves, now: datetime) -> Heard | None:
    shown, data = query.message, query.data
    if shown is None or not data:
        return None
    topic = topic_of(shown) if isinstance(shown, Message) else None
    intent, words, argument = _meaning(data)
    incoming = Incoming(
        delivery_id=f"query:{query.id}",
        kind="words" if data.startswith(MENU_WORDS) else "button",
        words=words,
        identity=_identity(query.from_user, shown.chat),
        standing=Standing.BOT if query.from_user.is_bot else Standing.MEMBER,
        display_name=_display_name(query.from_user),
        home=home_of(shown.chat, topic, moves),
        private=shown.chat.type == Chat.PRIVATE,
        received_at=now,
    )
    return Heard(intent, incoming, shown.chat.id, shown.message_id, topic, query, argument)


def _meaning(data: str) -> tuple[Intent, str, str]:
    """Intent, the words or value to hand in, and the argument of a step on the way there."""
    if data.startswith(MENU_WORDS):
        return Intent.HAND_IN, data.removeprefix(MENU_WORDS), ""
    if data.startswith(MENU_SERVICE):
        return Intent.PICK_SERVICE, "", data.removeprefix(MENU_SERVICE)
    if data == MENU_HOME:
        return Intent.MENU, "", ""
    if data == DISMISS:
        return Intent.DISMISS, "", ""
    if data.startswith(ASK_FIRST):
        return Intent.ASK, data.removeprefix(ASK_FIRST), data.removeprefix(ASK_FIRST)
    return Intent.HAND_IN, data.removeprefix(CONFIRMED), ""


def _identity(user: User | None, chat: Chat) -> Identity:
    number = chat.id if user is None else user.id
    return Identity(platform="telegram", user=str(number))


def _display_name(user: User | None) -> str:
    return cut(one_line(user.full_name), 64) if user else ""
