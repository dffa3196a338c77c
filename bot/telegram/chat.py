"""The Chat port on Telegram: post, update, whisper.

Telegram cannot be asked whether a message arrived. A delivery that is known to have arrived is not
repeated; one whose answer was lost is, so that a lost answer costs at most one duplicate.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from typing import Final, TypeVar

from telegram.error import BadRequest, ChatMigrated

from bot.telegram.budget import RESERVE
from bot.telegram.presses import Presses
from bot.telegram.renderer import ANSWER_LIMIT, Rendered, render, whole_in_short
from bot.telegram.sender import Destination, Sender
from bot.telegram.wire import PLATFORM, is_unchanged, translated
from commands.domain.calling import NOBODY
from commands.domain.conversation import (
    Address,
    Card,
    Confirm,
    Incoming,
    MessageRef,
    Standing,
    Tone,
)
from commands.domain.errors import ChatError, ChatGoneError
from commands.domain.people import Identity, Language, Platform
from commands.domain.runbook import Channel
from commands.domain.text import text
from commands.locale import say

log = logging.getLogger(__name__)

REMEMBERED: Final = 5_000
REFUSED_RETRY_S: Final = 60.0
T = TypeVar("T")

_ERRORS: Final = frozenset({Tone.BAD, Tone.WARNING})
_PEOPLE: Final = frozenset({Standing.MEMBER, Standing.FORWARD})
"""Behind these stands an account that a private message can reach."""


class TelegramChat:
    """Writes cards. Raises ChatError and ChatGoneError only."""

    platform: Platform = PLATFORM

    def __init__(
        self,
        sender: Sender,
        presses: Presses,
        language_of: Callable[[Identity, Channel], Language],
    ) -> None:
        self._sender, self._presses, self._language_of = sender, presses, language_of
        self._delivered: OrderedDict[str, MessageRef] = OrderedDict()
        self._confirms: OrderedDict[str, Confirm] = OrderedDict()

    async def post(self, address: Address, card: Card, delivery_id: str) -> MessageRef:
        """Send a card; the same `delivery_id` is not sent again while this process knows of it.

        A message in a thread (an answer to the root) makes no sound. Raises ChatError, also when
        the chat refuses us or the person never started the bot: either may change.
        """
        if (known := self._delivered.get(delivery_id)) is not None:
            return known
        self._remember_confirms(card)
        try:
            to = replace(Destination.of(address), reserve=_reserve(card))
            sent = await self._sender.send(to, render(card))
        except ChatGoneError as error:
            raise ChatError(PLATFORM, error.why, retry_after_s=REFUSED_RETRY_S) from error
        reference = MessageRef(
            platform=PLATFORM, channel=str(sent.chat.id), message_id=str(sent.message_id)
        )
        _keep(self._delivered, delivery_id, reference)
        return reference

    async def update(self, message: MessageRef, card: Card) -> None:
        """Edit a card in place; the same content is not an error.

        Raises ChatGoneError when the message is no longer there or the group has moved.
        """
        self._remember_confirms(card)
        try:
            await self._edit(message, render(card), reserve=_reserve(card), patient=False)
        except ChatGoneError:
            self._forget(message)
            raise

    async def replace(self, message: MessageRef, what: Rendered) -> None:
        """Edit a message of the listener's own (a menu's next page), waiting for its turn."""
        await self._edit(message, what, reserve=0, patient=True)

    async def whisper(self, incoming: Incoming, card: Card) -> None:
        """Answer the sender alone, where they are looking.

        On the button they pressed; in their private chat; or, when they never started the bot,
        under their words, an error then in one line.
        """
        card = replace(card, call=NOBODY)
        kind, _, number = incoming.delivery_id.partition(":")
        words, is_whole = whole_in_short(card, ANSWER_LIMIT)
        is_bad = card.tone in _ERRORS
        if kind == "query" and await self._presses.tell(number, words, box=is_bad) and is_whole:
            return
        self._remember_confirms(card)
        if incoming.private:
            await self._sender.send(Destination.alone(incoming.home.channel), render(card))
            return
        if incoming.standing in _PEOPLE:
            try:
                await self._sender.send(Destination.alone(incoming.identity.user), render(card))
            except ChatGoneError:
                log.info("a person has not started the bot: answering in the chat")
            else:
                return
        await self._sender.send(
            Destination.under(incoming), render(self._in_public(incoming, card))
        )

    def confirm_of(self, value: str) -> Confirm | None:
        """The words of a button that hurts, while this process remembers having shown it."""
        return self._confirms.get(value)

    async def _edit(
        self, message: MessageRef, what: Rendered, *, reserve: int, patient: bool
    ) -> None:
        with translated():
            try:
                await self._sender.edit(message, what, reserve=reserve, patient=patient)
            except BadRequest as error:
                if not is_unchanged(error):
                    raise
            except ChatMigrated as error:
                self._sender.moves.learn(int(message.channel), error.new_chat_id)
                raise

    def _in_public(self, incoming: Incoming, card: Card) -> Card:
        """What all may see: a result, but of an error one line, and how to get it in private."""
        hint = ""
        if incoming.standing in _PEOPLE:
            language = self._language_of(incoming.identity, incoming.home)
            hint = say(text("telegram.start_hint"), language)
        if card.tone not in _ERRORS:
            return replace(card, footer=hint or card.footer)
        said = ": ".join(filter(None, (incoming.display_name, card.plain or card.headline)))
        return Card(plain=said, headline="", tone=card.tone, footer=hint)

    def _forget(self, gone: MessageRef) -> None:
        """What is gone is to be posted anew, under the delivery id that it had."""
        for delivery_id in [d for d, sent in self._delivered.items() if sent == gone]:
            del self._delivered[delivery_id]

    def _remember_confirms(self, card: Card) -> None:
        for button in card.buttons:
            if button.confirm is not None:
                _keep(self._confirms, button.value, button.confirm)


def _reserve(card: Card) -> int:
    """Progress and details wait; what people wait for, or must decide, does not."""
    return RESERVE if card.tone in (Tone.WORKING, Tone.NEUTRAL) else 0


def _keep(memory: OrderedDict[str, T], key: str, value: T) -> None:
    """Remember the newest; forget the oldest when there are many."""
    memory[key] = value
    memory.move_to_end(key)
    if len(memory) > REMEMBERED:
        memory.popitem(last=False)
