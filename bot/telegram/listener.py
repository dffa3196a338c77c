"""Telegram in: every update is handed in at the desk before Telegram may forget it.

python-telegram-bot (22.8) awaits `update_queue.put` before it moves the polling offset on, so
`DurableQueue.put` is where an update becomes ours. What only talks (menus, "are you sure?", the
spinner on a button) is done afterwards and changes nothing.
"""

from __future__ import annotations

import asyncio
import logging

from telegram import Update
from telegram.error import NetworkError

from bot.telegram import menu
from bot.telegram.chat import TelegramChat
from bot.telegram.incoming import Heard, Intent, hear
from bot.telegram.presses import Presses
from bot.telegram.renderer import Rendered
from bot.telegram.sender import Destination, Sender
from commands.domain.conversation import Incoming, MessageRef
from commands.domain.errors import ChatError
from commands.domain.people import Language
from commands.domain.text import text
from commands.locale import say
from commands.ports import Clock, Desk

log = logging.getLogger(__name__)

HEARD_KINDS = ["message", "channel_post", "callback_query"]
"""Edits are not asked for: a command corrected later is not a new command."""


class Listener:
    """Understands updates, hands them in, and talks around them."""

    def __init__(
        self, desk: Desk, clock: Clock, chat: TelegramChat, sender: Sender, presses: Presses
    ) -> None:
        self._desk, self._clock, self._chat = desk, clock, chat
        self._sender, self._presses = sender, presses
        self.username = ""

    async def take(self, update: Update) -> None:
        """Before the offset moves on: persisted, or the sender told that it was not.

        Raises the library's NetworkError when neither was possible: the update is then polled
        again, later.
        """
        self._learn_moves(update)
        heard = self._hear(update)
        if heard is None:
            return
        if heard.query is not None:
            self._presses.opened(heard.query.id)
        if heard.intent is Intent.HAND_IN:
            await self._hand_in(heard.incoming)

    async def react(self, update: Update) -> None:
        """After the offset has moved on: end spinners, show menus and questions."""
        heard = self._hear(update)
        if heard is None:
            return
        try:
            await self._talk(heard)
        except ChatError as error:
            log.warning("%s not shown: %s", heard.intent.name, error)
        except Exception as error:  # the edge: nobody awaits this task
            log.exception("%s not shown", heard.intent.name)
            await self._is_told(error, heard.incoming)

    def hurry(self) -> None:
        """We are stopping: what people wait for on their screens is ended now."""
        self._presses.hurry()

    def _hear(self, update: Update) -> Heard | None:
        return hear(update, self.username, self._sender.moves, self._clock.now())

    async def _hand_in(self, incoming: Incoming) -> None:
        try:
            await self._desk.accept(incoming)
        except Exception as error:  # the edge: one bad update must not end the polling
            log.exception("not accepted: %s", incoming.delivery_id)
            if not await self._is_told(error, incoming):
                raise NetworkError("neither accepted nor refused: poll it again") from error

    async def _is_told(self, error: Exception, incoming: Incoming) -> bool:
        try:
            await self._chat.whisper(incoming, self._desk.refusal(error, incoming))
        except ChatError as silence:
            log.warning("refusal not shown: %s", silence)
            return False
        return True

    async def _talk(self, heard: Heard) -> None:
        language = self._desk.language_of(heard.incoming.identity, heard.incoming.home)
        match heard.intent:
            case Intent.HAND_IN:
                await self._acknowledge(heard, language)
            case Intent.MENU | Intent.PICK_SERVICE:
                await self._menu(heard, language)
            case Intent.ASK:
                await self._ask(heard, language)
            case Intent.DISMISS:
                await self._end_spinner(heard)
                await self._sender.remove(heard.chat_id, heard.message_id)

    async def _acknowledge(self, heard: Heard, language: Language) -> None:
        if heard.query is None:
            return
        received = say(text("telegram.received"), language)
        await asyncio.gather(self._presses.settle(heard.query.id, received), self._tidy(heard))

    async def _tidy(self, heard: Heard) -> None:
        """A question that was answered goes; of a menu the words that were chosen stay."""
        if not heard.is_question:
            return
        if heard.incoming.kind == "words":
            said = menu.chosen(heard.incoming.display_name, heard.incoming.words)
            await self._replace(heard, said)
        else:
            await self._sender.remove(heard.chat_id, heard.message_id)

    async def _menu(self, heard: Heard, language: Language) -> None:
        offered = await self._desk.suggestions(heard.incoming.home)
        if offered is None:
            await self._hand_in(heard.incoming.model_copy(update={"kind": "words"}))
            await self._end_spinner(heard)
            return
        if heard.intent is Intent.PICK_SERVICE:
            page = menu.versions(offered, heard.argument, language)
        else:
            page = menu.services(offered, language)
        if heard.query is None:
            await self._sender.send(Destination.under(heard.incoming), page)
        else:
            await self._end_spinner(heard)
            await self._replace(heard, page)

    async def _ask(self, heard: Heard, language: Language) -> None:
        await self._end_spinner(heard)
        confirm = self._chat.confirm_of(heard.argument)
        asked = menu.question(confirm, heard.argument, heard.label, language)
        card = Destination(heard.chat_id, heard.topic, heard.message_id, quiet=True, patient=True)
        await self._sender.send(card, asked)

    async def _replace(self, heard: Heard, what: Rendered) -> None:
        await self._chat.replace(
            MessageRef(
                platform="telegram", channel=str(heard.chat_id), message_id=str(heard.message_id)
            ),
            what,
        )

    async def _end_spinner(self, heard: Heard) -> None:
        if heard.query is not None:
            await self._presses.dismiss(heard.query.id)

    def _learn_moves(self, update: Update) -> None:
        message = update.message
        if message is not None and message.migrate_to_chat_id:
            self._sender.moves.learn(message.chat.id, message.migrate_to_chat_id)


class DurableQueue(asyncio.Queue[object]):
    """The application's queue; `put` hands an update in before it takes it."""

    def __init__(self, listener: Listener) -> None:
        super().__init__()
        self._listener = listener

    async def put(self, item: object) -> None:
        """Raises the library's NetworkError when an update could not be handed in."""
        if isinstance(item, Update):
            await self._listener.take(item)
        await super().put(item)
