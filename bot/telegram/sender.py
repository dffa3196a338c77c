"""One message to one place, with what Telegram asks for when the place has changed."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import Final, Self

from telegram import Bot, LinkPreviewOptions, Message, ReplyParameters
from telegram.constants import ParseMode
from telegram.error import BadRequest, ChatMigrated

from bot.telegram.renderer import Rendered
from bot.telegram.wire import PLATFORM, Moves, is_lost_thread, translated
from commands.domain.conversation import Address, Incoming, MessageRef
from commands.domain.errors import ChatError

log = logging.getLogger(__name__)

NO_PREVIEW: Final = LinkPreviewOptions(is_disabled=True)


@dataclass(frozen=True, slots=True)
class Destination:
    """A chat, its forum topic, and the message that is answered."""

    chat_id: int
    topic: int | None = None
    root: int | None = None

    @classmethod
    def of(cls, address: Address) -> Self:
        """Where an address leads: to a person alone, or to a channel and its thread.

        Raises ChatError when it is no address of Telegram's.
        """
        if address.person is not None:
            return cls(_id(address.person.user))
        channel = address.channel
        return cls(_id(channel.channel), _number(channel.topic), _number(address.thread))

    @classmethod
    def under(cls, incoming: Incoming) -> Self:
        """Under the words that were said; beside the card whose button was pressed."""
        where, _, number = incoming.delivery_id.rpartition(":")
        root = _number(number) if where.startswith("message:") else None
        home = incoming.home
        return cls(_id(home.channel), _number(home.topic), root)


class Sender:
    """Sends and edits; follows a group that moved and leaves a topic that was deleted."""

    def __init__(self, bot: Bot, moves: Moves) -> None:
        self._bot, self.moves = bot, moves

    async def send(self, to: Destination, what: Rendered, *, quiet: bool = False) -> Message:
        """Raises ChatError and ChatGoneError. Not safe to repeat: there would be two."""
        with translated():
            try:
                return await self._send(to, what, quiet=quiet)
            except ChatMigrated as error:
                self.moves.learn(to.chat_id, error.new_chat_id)
                return await self._send(Destination(to.chat_id), what, quiet=quiet)
            except BadRequest as error:
                if to.topic is None or not is_lost_thread(error):
                    raise
                log.warning("topic %d is gone: posting to the whole group", to.topic)
                return await self._send(replace(to, topic=None, root=None), what, quiet=quiet)

    async def edit(self, message: MessageRef, what: Rendered) -> None:
        """Raises the library's own errors: which of them matter is the caller's business."""
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

    async def _send(self, to: Destination, what: Rendered, *, quiet: bool) -> Message:
        reply = ReplyParameters(to.root, allow_sending_without_reply=True) if to.root else None
        return await self._bot.send_message(
            self.moves.target(to.chat_id),
            what.html,
            parse_mode=ParseMode.HTML,
            link_preview_options=NO_PREVIEW,
            reply_markup=what.keyboard,
            message_thread_id=to.topic,
            reply_parameters=reply,
            disable_notification=quiet or None,
        )


def _number(text: str) -> int | None:
    return _id(text) if text else None


def _id(text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise ChatError(PLATFORM, f"{text!r} is not a Telegram id") from error
