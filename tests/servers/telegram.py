"""A local Telegram: the Bot API over HTTP, people who type and press, and strict checks.

Independent of the program under test. What the bot sends is checked as Telegram documents it
(https://core.telegram.org/bots/api) and whatever is wrong is kept in `violations`, which the
fixture holds to be empty:

    async with TelegramServer() as telegram:          # telegram.api_url, telegram.token
        oncall, incidents = telegram.user("Anna"), telegram.group("Incidents")
        await telegram.say(oncall, incidents, "/rollback api v1.2.3")
        card = await telegram.wait_for(lambda: telegram.find(incidents, "v1.2.3"))
        await telegram.press(oncall, card, "Одобрить")
        telegram.assert_clean()
"""

from __future__ import annotations

import asyncio
import socket
from typing import Any, Self

from aiohttp import web

from tests.servers.telegram_faults import ApiError, Fault, FaultKind, too_many
from tests.servers.telegram_methods import CALLBACK_LIMIT_S, FIELDS, Methods, decode_fields
from tests.servers.telegram_methods import wanted_kinds as kinds_of
from tests.servers.telegram_model import (
    ANONYMOUS_ADMIN,
    CHANNEL_SENDER,
    Chat,
    Json,
    Message,
    Press,
    User,
)
from tests.servers.telegram_webhook import carry
from tests.servers.telegram_world import PATIENCE_S, World

TOKEN = "700000001:AAE-rollbot-test-token-0123456789ab"


class TelegramServer(World):
    """Serves on 127.0.0.1 at a free port, kept over `down()` and `up()`."""

    def __init__(self, token: str = TOKEN, *, strict_limits: bool = False) -> None:
        super().__init__(strict_limits=strict_limits)
        self.token = token
        self.lenient_callbacks = False
        """True where a test kills the bot: presses it fetched and never answered are forgiven."""
        self.is_down = False
        self._faults: list[Fault] = []
        self._methods = Methods(self)
        self._runner: web.AppRunner | None = None
        self._port = 0
        self._poll = 0
        self._carrier: asyncio.Task[None] | None = None

    @property
    def api_url(self) -> str:
        """What `TELEGRAM_API_URL` must say: scheme, host and port, no path."""
        return f"http://127.0.0.1:{self._port}"

    async def start(self) -> None:
        app = web.Application()
        app.router.add_route("*", "/bot{token}/{method}", self._serve)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        listener = socket.create_server(("127.0.0.1", self._port))
        self._port = listener.getsockname()[1]
        await web.SockSite(self._runner, listener).start()
        self._carrier = asyncio.create_task(carry(self, self._changed, lambda: self.is_down))

    async def stop(self) -> None:
        self.is_down = True
        if self._carrier is not None:
            self._carrier.cancel()
            await asyncio.wait({self._carrier})
        await self.announce()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def assert_clean(self) -> None:
        """Raises AssertionError when the bot sent anything wrong or left a press unanswered."""
        late = [
            f"press of {press.data!r} was not answered within {CALLBACK_LIMIT_S} s"
            for press in self.presses.values()
            if press.fetched and not press.answered and not press.expired
        ]
        wrong = self.violations + ([] if self.lenient_callbacks else late)
        assert not wrong, "Telegram was used wrongly:\n" + "\n".join(wrong)

    @property
    def polled(self) -> bool:
        """Whether the bot ever asked for updates."""
        return self._poll > 0

    # --- what people do

    async def say(
        self,
        user: User,
        chat: Chat,
        text: str,
        *,
        topic: int | None = None,
        reply_to: Message | None = None,
        extra: Json | None = None,
    ) -> Message:
        """A person writes. In a private chat this also starts the bot for them."""
        if chat.is_private:
            chat.reachable = True
        replied = reply_to.id if reply_to else None
        message = self.store(chat, user, text, topic=topic, reply_to=replied, extra=extra)
        if text.startswith("/"):
            length = len(text.split(maxsplit=1)[0])
            message.entities = [{"type": "bot_command", "offset": 0, "length": length}]
        payload = message.as_json()
        if reply_to is not None:
            payload["reply_to_message"] = reply_to.as_json()
        if self._is_heard(chat, text, reply_to):
            await self.queue("channel_post" if chat.kind == "channel" else "message", payload)
        return message

    async def edited(self, message: Message, text: str) -> None:
        """A person corrects a message that they sent before."""
        message.text = message.source = text
        message.edited = True
        await self.queue("edited_message", message.as_json())

    async def forwarded(self, user: User, chat: Chat, original: Message) -> Message:
        """A person forwards somebody's message."""
        assert original.sender is not None
        origin = {"type": "user", "date": original.sent_at_s}
        origin_user = {"sender_user": original.sender.as_json()}
        return await self.say(
            user, chat, original.text, extra={"forward_origin": origin | origin_user}
        )

    async def say_as_anonymous_admin(self, chat: Chat, text: str) -> Message:
        """An administrator writes with the group's face: no person can be told from it."""
        return await self.say(ANONYMOUS_ADMIN, chat, text, extra={"sender_chat": chat.as_json()})

    async def say_as_channel(self, channel: Chat, chat: Chat, text: str) -> Message:
        """Somebody writes into a group with a channel's face."""
        return await self.say(CHANNEL_SENDER, chat, text, extra={"sender_chat": channel.as_json()})

    async def post(self, channel: Chat, text: str) -> Message:
        """A post in a channel: it has no sender at all."""
        message = self.store(channel, None, text, extra={"sender_chat": channel.as_json()})
        await self.queue("channel_post", message.as_json())
        return message

    async def press(self, user: User, message: Message, wanted: str) -> Press:
        """A person presses a button, named by label or callback data, that is there now."""
        button = message.find_button(wanted)
        assert button is not None, f"no button {wanted!r} among {message.buttons}"
        assert button.data is not None, f"{wanted!r} opens an address"
        return await self.forge_press(user, message, button.data)

    async def forge_press(self, user: User, message: Message, data: str) -> Press:
        """A press with any data at all: an old keyboard, or a hand-made client."""
        press = self.new_press(user, message, data)
        await self.queue("callback_query", press.as_json())
        return press

    async def answered(self, press: Press, within_s: float = PATIENCE_S) -> str:
        """Wait until the bot has answered a press; what it said."""
        await self.wait_for(lambda: press.answered, within_s)
        return press.answer

    def expire(self, press: Press) -> None:
        """From now on Telegram says "query is too old" to an answer."""
        press.expired = True

    # --- what happens to chats and to the service

    async def delete(self, message: Message) -> None:
        message.deleted = True
        await self.announce()

    def leave(self, chat: Chat) -> None:
        """The bot was removed from a group, or blocked by a person."""
        chat.reachable = False

    async def migrate(self, chat: Chat) -> Chat:
        """A small group becomes a supergroup: a new id, and the old one refuses."""
        successor = self.group(chat.title)
        chat.migrated_to = successor.id
        farewell = self.store(chat, None, "", extra={"migrate_to_chat_id": successor.id})
        await self.queue("message", farewell.as_json())
        return successor

    def fail(
        self, calls: int, kind: FaultKind, *, method: str | None = None, retry_after_s: int = 1
    ) -> None:
        """The next `calls` calls (of `method`, or of any but getUpdates) meet a fault.

        "429", "500" and "reset": not carried out; "lost": carried out, the answer is lost.
        """
        self._faults.append(Fault(kind, calls, method, retry_after_s))

    @property
    def faults_left(self) -> int:
        """How many faults still wait for their call."""
        return sum(fault.left for fault in self._faults)

    def heal(self) -> None:
        """No more faults."""
        self._faults.clear()

    async def down(self) -> None:
        """Every connection breaks until `up()`."""
        self.is_down = True
        await self.announce()

    async def up(self) -> None:
        self.is_down = False
        await self.announce()

    # --- HTTP

    async def _serve(self, request: web.Request) -> web.Response:
        if self.is_down:
            return _hang_up(request)
        method = request.match_info["method"]
        try:
            fields = await self._accept(request, method)
            fault = next((f for f in self._faults if f.strikes(method)), None)
            if fault is not None:
                return await self._stumble(request, fault, method, fields)
            return web.json_response({"ok": True, "result": await self._call(method, fields)})
        except ApiError as refusal:
            await self.announce()
            return web.json_response(refusal.as_json(), status=refusal.code)
        except ConnectionAbortedError:
            return _hang_up(request)

    async def _accept(self, request: web.Request, method: str) -> Json:
        if request.match_info["token"] != self.token:
            self.violate("a wrong token")
            raise ApiError(401, "Unauthorized")
        if method not in FIELDS:
            self.violate(f"unknown method {method}")
            raise ApiError(404, "Not Found: method not found")
        is_json = request.content_type == "application/json"
        raw = await request.json() if is_json else dict(await request.post())
        return decode_fields(method, {**request.query, **raw}, self.violate)

    async def _stumble(
        self, request: web.Request, fault: Fault, method: str, fields: Json
    ) -> web.Response:
        fault.left -= 1
        if fault.kind == "429":
            raise too_many(fault.retry_after_s)
        if fault.kind == "500":
            raise ApiError(500, "Internal Server Error")
        if fault.kind == "lost":
            await self._call(method, fields)
        return _hang_up(request)

    async def _call(self, method: str, fields: Json) -> Any:
        if method == "getUpdates":
            return await self._updates(fields)
        self.calls.append((method, fields))
        return await self._methods.carry_out(method, fields)

    async def _updates(self, fields: Json) -> list[Json]:
        """Long polling. Updates stay until a later call's `offset` passes them."""
        if self.webhook:
            raise ApiError(409, "Conflict: can't use getUpdates method while webhook is active")
        self._poll += 1
        mine, offset, kinds = self._poll, int(fields.get("offset", 0)), kinds_of(fields)
        self.updates = [u for u in self.updates if u["update_id"] >= offset]
        await self.announce()
        try:
            batch = await self._await_updates(mine, kinds, float(fields.get("timeout", 0)))
        except TimeoutError:
            return []
        batch = batch[: int(fields.get("limit", 100))]
        for update in batch:
            if "callback_query" in update:
                self.presses[update["callback_query"]["id"]].fetched = True
        return batch

    async def _await_updates(self, mine: int, kinds: set[str], timeout_s: float) -> list[Json]:
        def due() -> list[Json] | bool:
            waiting = [u for u in self.updates if kinds & set(u)]
            return waiting or self.is_down or self._poll != mine

        async with asyncio.timeout(timeout_s or 0.001), self._changed:
            while not due():
                await self._changed.wait()
        if self.is_down:
            raise ConnectionAbortedError
        if self._poll != mine:
            raise ApiError(409, "Conflict: terminated by other getUpdates request")
        return [u for u in self.updates if kinds & set(u)]

    def _is_heard(self, chat: Chat, text: str, reply_to: Message | None) -> bool:
        """Privacy mode: https://core.telegram.org/bots/features#privacy-mode."""
        if chat.kind not in ("group", "supergroup") or not self.privacy:
            return True
        if reply_to is not None and reply_to.sender == self.me:
            return True
        first = text.split(maxsplit=1)[0] if text.strip() else ""
        addressee = first.partition("@")[2]
        to_us = addressee in ("", self.me.username)
        return (first.startswith("/") and to_us) or f"@{self.me.username}" in text


def _hang_up(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
