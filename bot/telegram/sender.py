"""One message to one place, with what Telegram asks for when the place has changed."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, replace
from typing import Final, Self

from telegram import LinkPreviewOptions, Message, ReplyParameters
from telegram.constants import ParseMode
from telegram.error import BadRequest, ChatMigrated
from telegram.ext import ExtBot

from bot.telegram.budget import Budget
from bot.telegram.renderer import Rendered
from bot.telegram.wire import PLATFORM, Moves, is_lost_thread, translated
from commands.domain.conversation import Address, Incoming, MessageRef
from commands.domain.errors import ChatError

log = logging.getLogger(__name__)

NO_PREVIEW: Final = LinkPreviewOptions(is_disabled=True)
PATIENT_TRIES: Final = 3
"""How often a limit is waited out for words that nobody would send again."""


@dataclass(frozen=True, slots=True)
class Destination:
    """A chat, its forum topic, and the message that is answered.

    `quiet`: phones do not ring. `patient`: wait for the chat's limit instead of raising it.
    `reserve`: messages to leave in the chat's budget for what matters more.
    """

    chat_id: int
    topic: int | None = None
    root: int | None = None
    quiet: bool = False
    patient: bool = False
    reserve: int = 0

    @classmethod
    def of(cls, address: Address) -> Self:
        """Where an address leads: to a person alone, or to a channel and its thread.

        Raises ChatError when it is no address of Telegram's.
        """
        if address.person is not None:
            return cls(_id(address.person.user))
        channel, root = address.channel, _number(address.thread)
        return cls(_id(channel.channel), _number(channel.topic), root, quiet=bool(root))

    @classmethod
    def under(cls, incoming: Incoming) -> Self:
        """Under the words that were said; beside the card whose button was pressed."""
        where, _, number = incoming.delivery_id.rpartition(":")
        root = _number(number) if where.startswith("message:") else None
        home = incoming.home
        return cls(_id(home.channel), _number(home.topic), root, patient=True)

    @classmethod
    def alone(cls, chat_id: str) -> Self:
        """A private chat."""
        return cls(_id(chat_id), patient=True)


class Sender:
    """Sends and edits; follows a group that moved and leaves a topic that was deleted."""

    def __init__(self, bot: ExtBot[int], moves: Moves, budget: Budget) -> None:
        self._bot, self.moves, self._budget = bot, moves, budget

    async def send(self, to: Destination, what: Rendered) -> Message:
        """Raises ChatError and ChatGoneError. Not safe to repeat: there would be two."""
        with translated():
            try:
                return await self._send(to, what)
            except ChatMigrated as error:
                self.moves.learn(to.chat_id, error.new_chat_id)
                return await self._send(replace(to, topic=None, root=None), what)
            except BadRequest as error:
                if to.topic is None or not is_lost_thread(error):
                    raise
                log.warning("topic %d is gone: posting to the whole group", to.topic)
                return await self._send(replace(to, topic=None, root=None), what)

    async def edit(
        self, message: MessageRef, what: Rendered, *, reserve: int, patient: bool
    ) -> None:
        """Raises the library's own errors: which of them matter is the caller's business.

        And ChatError when the chat's budget is used up but for the reserve.
        """
        await self._afford(int(message.channel), reserve=reserve, patient=patient)
        await self._bot.edit_message_text(
            what.html,
            int(message.channel),
            int(message.message_id),
            parse_mode=ParseMode.HTML,
            link_preview_options=NO_PREVIEW,
            reply_markup=what.keyboard,
        )

    async def remove(self, chat_id: int, message_id: int) -> None:
        """Delete a message of ours. Raises ChatError and ChatGoneError."""
        with translated():
            await self._bot.delete_message(chat_id, message_id)

    async def _send(self, to: Destination, what: Rendered) -> Message:
        target = self.moves.target(to.chat_id)
        await self._afford(target, reserve=to.reserve, patient=to.patient)
        reply = ReplyParameters(to.root, allow_sending_without_reply=True) if to.root else None
        return await self._bot.send_message(
            target,
            what.html,
            parse_mode=ParseMode.HTML,
            link_preview_options=NO_PREVIEW,
            reply_markup=what.keyboard,
            message_thread_id=to.topic,
            reply_parameters=reply,
            disable_notification=to.quiet or None,
            rate_limit_args=PATIENT_TRIES if to.patient else None,
        )

    async def _afford(self, chat_id: int, *, reserve: int, patient: bool) -> None:
        for _ in range(PATIENT_TRIES):
            try:
                return self._budget.take(chat_id, reserve=reserve)
            except ChatError as error:
                if not patient:
                    raise
                await asyncio.sleep(error.retry_after_s or 0.0)
        return None


def _number(text: str) -> int | None:
    return _id(text) if text else None


def _id(text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise ChatError(PLATFORM, f"{text!r} is not a Telegram id") from error
