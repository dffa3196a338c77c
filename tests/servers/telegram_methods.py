"""The Bot API methods that the stand-in carries out, with Telegram's own checks and answers.

Fields per method: https://core.telegram.org/bots/api (9.x). A field that Telegram would ignore
silently is a violation here: somebody believes that it does something.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

from tests.servers.telegram_faults import ApiError
from tests.servers.telegram_html import HtmlError, Parsed, parse_html
from tests.servers.telegram_model import Button, Chat, Json, Keyboard, Message, utf16_length
from tests.servers.telegram_world import UPDATE_KINDS, World

TEXT_LIMIT = 4096
ENTITY_LIMIT = 100
DATA_LIMIT_BYTES = 64
CALLBACK_LIMIT_S = 10.0
NOT_MODIFIED = (
    "Bad Request: message is not modified: specified new message content and reply markup "
    "are exactly the same as a current content and reply markup of the message"
)
TOO_OLD = "Bad Request: query is too old and response timeout expired or query ID is invalid"

_TEXT_FIELDS = {"chat_id", "text", "parse_mode", "entities", "link_preview_options", "reply_markup"}
FIELDS: dict[str, set[str]] = {
    "getMe": set(),
    "getUpdates": {"offset", "limit", "timeout", "allowed_updates"},
    "deleteWebhook": {"drop_pending_updates"},
    "setWebhook": {
        "url",
        "secret_token",
        "allowed_updates",
        "max_connections",
        "drop_pending_updates",
    },
    "getWebhookInfo": set(),
    "sendMessage": _TEXT_FIELDS
    | {"message_thread_id", "disable_notification", "protect_content", "reply_parameters"},
    "editMessageText": _TEXT_FIELDS | {"message_id"},
    "editMessageReplyMarkup": {"chat_id", "message_id", "reply_markup"},
    "deleteMessage": {"chat_id", "message_id"},
    "answerCallbackQuery": {"callback_query_id", "text", "show_alert", "cache_time"},
    "setMyCommands": {"commands", "scope", "language_code"},
    "getChat": {"chat_id"},
    "sendChatAction": {"chat_id", "action"},
    "getChatMember": {"chat_id", "user_id"},
}


class Methods:
    """Carries out one call after the other on a `World`; raises `ApiError` for refusals."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._table: dict[str, Callable[[Json], Awaitable[Any]]] = {
            "getMe": self._get_me,
            "setWebhook": self._set_webhook,
            "deleteWebhook": self._delete_webhook,
            "getWebhookInfo": self._get_webhook_info,
            "sendMessage": self._send,
            "editMessageText": self._edit_text,
            "editMessageReplyMarkup": self._edit_markup,
            "deleteMessage": self._delete,
            "answerCallbackQuery": self._answer,
            "setMyCommands": self._set_commands,
            "getChat": self._get_chat,
            "sendChatAction": self._send_action,
            "getChatMember": self._get_member,
        }

    async def carry_out(self, method: str, fields: Json) -> Any:
        """The `result` of a call; what it changed is announced to those who wait."""
        result = await self._table[method](fields)
        await self.world.announce()
        return result

    # --- the bot itself

    async def _get_me(self, _: Json) -> Json:
        talents = {
            "can_join_groups": True,
            "can_read_all_group_messages": not self.world.privacy,
            "supports_inline_queries": False,
        }
        return self.world.me.as_json() | talents

    async def _set_webhook(self, fields: Json) -> bool:
        secret = str(fields.get("secret_token", ""))
        if secret and not re.fullmatch(r"[A-Za-z0-9_-]{1,256}", secret):
            raise ApiError(400, "Bad Request: secret token contains unallowed characters")
        self.world.webhook, self.world.webhook_secret = str(fields.get("url", "")), secret
        self.world.webhook_kinds = wanted_kinds(fields)
        return await self._drop_if_asked(fields)

    async def _delete_webhook(self, fields: Json) -> bool:
        self.world.webhook = ""
        return await self._drop_if_asked(fields)

    async def _drop_if_asked(self, fields: Json) -> bool:
        if fields.get("drop_pending_updates"):
            self.world.violate("drop_pending_updates: commands said while we were away are lost")
            self.world.updates.clear()
        return True

    async def _get_webhook_info(self, _: Json) -> Json:
        waiting = len(self.world.updates)
        return {
            "url": self.world.webhook,
            "has_custom_certificate": False,
            "pending_update_count": waiting,
            **self.world.webhook_error,
        }

    async def _set_commands(self, fields: Json) -> bool:
        commands = fields.get("commands", [])
        for command in commands:
            if not re.fullmatch(r"[a-z0-9_]{1,32}", command["command"]):
                raise ApiError(400, "Bad Request: BOT_COMMAND_INVALID")
            if not 1 <= len(command["description"]) <= 256:
                raise ApiError(400, "Bad Request: BOT_COMMAND_DESCRIPTION_INVALID")
        if len(commands) > 100:
            raise ApiError(400, "Bad Request: BOT_COMMANDS_TOO_MUCH")
        language = fields.get("language_code", "")
        if not re.fullmatch(r"([a-z]{2})?", language):
            raise ApiError(400, "Bad Request: LANG_CODE_INVALID")
        scope = fields.get("scope", {"type": "default"})["type"]
        self.world.commands[scope, language] = commands
        return True

    # --- messages

    async def _send(self, fields: Json) -> Json:
        chat = self.world.chat_by_id(fields.get("chat_id"))
        topic = self._topic(chat, fields)
        parsed = self._text(fields)
        keyboard = self._keyboard(fields)
        self.world.limits.take(chat.id)
        message = self.world.store(
            chat,
            self.world.me,
            parsed.text,
            str(fields["text"]),
            topic=topic,
            reply_to=self._reply_to(chat, topic, fields),
            keyboard=keyboard,
        )
        message.entities = parsed.entities
        message.silent = bool(fields.get("disable_notification"))
        return message.as_json()

    async def _edit_text(self, fields: Json) -> Json:
        message = self._own_message(fields)
        parsed, keyboard = self._text(fields), self._keyboard(fields)
        unchanged = (parsed.text, parsed.entities, keyboard) == (
            message.text,
            message.entities,
            message.keyboard,
        )
        if unchanged:
            raise ApiError(400, NOT_MODIFIED)
        self.world.limits.take(message.chat.id)
        message.text, message.entities = parsed.text, parsed.entities
        message.source, message.keyboard = str(fields["text"]), keyboard
        message.edited = True
        message.history.append(parsed.text)
        return message.as_json()

    async def _edit_markup(self, fields: Json) -> Json:
        message, keyboard = self._own_message(fields), self._keyboard(fields)
        if keyboard == message.keyboard:
            raise ApiError(400, NOT_MODIFIED)
        self.world.limits.take(message.chat.id)
        message.keyboard = keyboard
        return message.as_json()

    async def _delete(self, fields: Json) -> bool:
        message = self._own_message(fields, "message to delete not found")
        message.deleted = True
        return True

    def _own_message(self, fields: Json, missing: str = "message to edit not found") -> Message:
        chat = self.world.chat_by_id(fields.get("chat_id"))
        message = self.world.message(chat, int(fields.get("message_id", 0)))
        if message is None:
            raise ApiError(400, f"Bad Request: {missing}")
        if message.sender != self.world.me:
            self.world.violate(f"touches a message of somebody else: {message.id} in {chat.title}")
            raise ApiError(400, "Bad Request: message can't be edited")
        return message

    def _text(self, fields: Json) -> Parsed:
        source = str(fields.get("text", ""))
        parsed = Parsed(text=source.strip())
        mode = str(fields.get("parse_mode", ""))
        if mode.upper() == "HTML":
            try:
                parsed = parse_html(source)
            except HtmlError as problem:
                self.world.violate(f"bad HTML ({problem}): {source[:200]!r}")
                raise ApiError(400, f"Bad Request: can't parse entities: {problem}") from problem
        elif mode:
            self.world.violate(f"parse_mode {mode}: only HTML is checked here")
        for complaint in parsed.complaints:
            self.world.violate(f"{complaint} in {source[:200]!r}")
        self._check_size(parsed)
        return parsed

    def _check_size(self, parsed: Parsed) -> None:
        if not parsed.text:
            self.world.violate("an empty message")
            raise ApiError(400, "Bad Request: message text is empty")
        if utf16_length(parsed.text) > TEXT_LIMIT:
            self.world.violate(f"{utf16_length(parsed.text)} characters in one message")
            raise ApiError(400, "Bad Request: message is too long")
        if len(parsed.entities) > ENTITY_LIMIT:
            self.world.violate(f"{len(parsed.entities)} entities: those after 100 are lost")
        if "\x00" in parsed.text:
            self.world.violate("NUL in a message")

    def _topic(self, chat: Chat, fields: Json) -> int | None:
        topic = fields.get("message_thread_id")
        if topic is None:
            return None
        if int(topic) not in chat.topics:
            self.world.violate(f"no thread {topic} in {chat.title}")
            raise ApiError(400, "Bad Request: message thread not found")
        return int(topic)

    def _reply_to(self, chat: Chat, topic: int | None, fields: Json) -> int | None:
        reply = fields.get("reply_parameters")
        if not reply:
            return None
        replied = self.world.message(chat, int(reply["message_id"]))
        if replied is None:
            if reply.get("allow_sending_without_reply"):
                return None
            raise ApiError(400, "Bad Request: message to be replied not found")
        if replied.topic != topic:
            self.world.violate(f"reply to a message of topic {replied.topic} sent to {topic}")
        return replied.id

    def _keyboard(self, fields: Json) -> Keyboard:
        markup = fields.get("reply_markup")
        if not markup:
            return ()
        if set(markup) != {"inline_keyboard"}:
            self.world.violate(f"reply_markup of an unexpected kind: {sorted(markup)}")
            return ()
        rows = tuple(tuple(self._button(b) for b in row) for row in markup["inline_keyboard"])
        if sum(len(row) for row in rows) > 100 or any(len(row) > 8 for row in rows):
            self.world.violate("more than 100 buttons, or more than 8 in a row")
            raise ApiError(400, "Bad Request: reply markup is too long")
        return tuple(row for row in rows if row)

    def _button(self, raw: Json) -> Button:
        button = Button(str(raw.get("text", "")), raw.get("callback_data"), raw.get("url"))
        unknown = set(raw) - {"text", "callback_data", "url", "style"}
        if unknown or not button.text.strip() or (button.data is None) == (button.url is None):
            self.world.violate(f"malformed button {json.dumps(raw, ensure_ascii=False)[:200]}")
            raise ApiError(400, "Bad Request: BUTTON_INVALID")
        if button.data is not None and not 1 <= len(button.data.encode()) <= DATA_LIMIT_BYTES:
            self.world.violate(f"callback_data of {len(button.data.encode())} bytes")
            raise ApiError(400, "Bad Request: BUTTON_DATA_INVALID")
        if button.url is not None and not re.match(r"(https?|tg)://[^/\s]+\.[^\s]+", button.url):
            self.world.violate(f"button URL {button.url[:100]!r}")
            raise ApiError(400, "Bad Request: BUTTON_URL_INVALID")
        return button

    # --- presses and chats

    async def _answer(self, fields: Json) -> bool:
        press = self.world.presses.get(str(fields.get("callback_query_id")))
        text = str(fields.get("text", ""))
        if len(text) > 200:
            self.world.violate(f"callback answer of {len(text)} characters")
            raise ApiError(400, "Bad Request: MESSAGE_TOO_LONG")
        if press is None or press.expired or press.age_s() > CALLBACK_LIMIT_S:
            raise ApiError(400, TOO_OLD)
        press.answered, press.answer = True, text
        press.alert = bool(fields.get("show_alert"))
        return True

    async def _get_chat(self, fields: Json) -> Json:
        chat = self.world.chat_by_id(fields.get("chat_id"))
        gifts = ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription")
        described = {
            "accent_color_id": 0,
            "max_reaction_count": 11,
            "accepted_gift_types": dict.fromkeys((*gifts, "gifts_from_channels"), False),
        }
        return chat.as_json() | described

    async def _send_action(self, fields: Json) -> bool:
        self.world.chat_by_id(fields.get("chat_id"))
        return True

    async def _get_member(self, fields: Json) -> Json:
        self.world.chat_by_id(fields.get("chat_id"))
        user = self.world.known_user(int(fields.get("user_id", 0)))
        if user is None:
            raise ApiError(400, "Bad Request: user not found")
        return {"status": "member", "user": user.as_json()}


def decode_fields(method: str, raw: Json, violate: Callable[[str], None]) -> Json:
    """Form fields arrive as text: structures and numbers inside are JSON."""
    unknown = set(raw) - FIELDS[method]
    if unknown:
        violate(f"{method} has no field {', '.join(sorted(unknown))}")
    return {name: _decoded(name, value) for name, value in raw.items()}


def _decoded(name: str, value: Any) -> Any:
    literal = {
        "text",
        "parse_mode",
        "url",
        "secret_token",
        "callback_query_id",
        "language_code",
        "action",
    }
    if not isinstance(value, str) or name in literal:
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def wanted_kinds(fields: Json) -> set[str]:
    """The kinds of update a poll asks for; without a list, all that we know."""
    return set(fields.get("allowed_updates") or UPDATE_KINDS)
