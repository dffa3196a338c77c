"""The `Chat` port on Slack: cards into channels, threads, direct and private messages."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.slack.deliveries import metadata, sent_before
from bot.slack.renderer import Rendered, render, render_plainly
from bot.slack.replies import Replies
from bot.slack.wire import NOT_EDITABLE, PLATFORM, Wire, code_of, translated
from commands.domain.calling import NOBODY
from commands.domain.conversation import Address, Card, Incoming, MessageRef
from commands.domain.errors import ChatError, ChatGoneError
from commands.domain.people import Platform

log = logging.getLogger(__name__)

OK = 200
NOWHERE_RETRY_S = 30.0
# The workspace takes other blocks than these, or fewer: say it in simpler ones.
_TOO_RICH = frozenset({"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long"})
_UNREACHABLE = frozenset({"user_not_in_channel", "not_in_channel", "channel_not_found"})

Call = Callable[[Rendered], Awaitable[AsyncSlackResponse]]


class SlackChat:
    """Posts are found again by the delivery id in their metadata, so none stands twice."""

    platform: Platform = PLATFORM

    def __init__(self, wire: Wire, replies: Replies, *, plan_blocks: bool = False) -> None:
        self._wire, self._replies = wire, replies
        self._plan_blocks = plan_blocks
        self._directs: dict[str, str] = {}
        self._frozen: set[str] = set()

    async def post(self, address: Address, card: Card, delivery_id: str) -> MessageRef:
        """Send a card, or find the message that an earlier, unclear attempt has sent and edit it.

        Raises ChatError, with `retry_after_s` when Slack says it. A channel that is archived or
        unknown is one too, worth a try every half a minute: there is nowhere else to post to, and
        somebody may bring it back.
        """
        try:
            with translated():
                channel = await self._channel(address)
                found = await sent_before(
                    self._wire, channel, address.thread, delivery_id, self._frozen
                )
                if found is None:
                    found = await self._post(channel, address.thread, card, delivery_id)
                    return _reference(channel, found)
            # It shows what was true when it was sent, and nobody has edited it since.
            await self.update(_reference(channel, found), card)
        except ChatGoneError as error:
            wait_s = None if error.why in NOT_EDITABLE else NOWHERE_RETRY_S
            raise ChatError(PLATFORM, error.why, wait_s) from error
        return _reference(channel, found)

    async def update(self, message: MessageRef, card: Card) -> None:
        """Edit a card in place. Raises ChatGoneError when it, or its channel, is gone."""

        async def call(said: Rendered) -> AsyncSlackResponse:
            return await self._wire.cards.chat_update(
                channel=message.channel, ts=message.message_id, text=said.text, blocks=said.blocks
            )

        try:
            with translated():
                await self._say(card, call)
        except ChatGoneError as error:
            if error.why in NOT_EDITABLE:
                # Still in the channel, but frozen: the next post must not find it again.
                self._frozen.add(message.message_id)
            raise

    async def whisper(self, incoming: Incoming, card: Card) -> None:
        """Answer the sender alone: by the event's own URL, in the channel, else directly."""
        card = replace(card, call=NOBODY)
        with translated():
            if await self._answered(incoming, card):
                return
            if not incoming.private and await self._said_aside(incoming, card):
                return
            await self._say(card, self._direct_to(incoming))

    async def _channel(self, address: Address) -> str:
        if address.person is None:
            return address.channel.channel
        user = address.person.user
        if user not in self._directs:
            opened = await self._wire.asides.conversations_open(users=user)
            self._directs[user] = opened["channel"]["id"]
        return self._directs[user]

    async def _post(self, channel: str, thread: str, card: Card, delivery_id: str) -> str:
        async def call(said: Rendered) -> AsyncSlackResponse:
            return await self._wire.cards.chat_postMessage(
                channel=channel,
                text=said.text,
                blocks=said.blocks,
                thread_ts=thread or None,
                metadata=metadata(delivery_id),
                unfurl_links=False,
                unfurl_media=False,
            )

        posted = await self._say(card, call)
        return str(posted["ts"])

    async def _say(self, card: Card, call: Call) -> AsyncSlackResponse:
        """Say it as richly as the workspace takes it, at last in words alone."""
        if self._plan_blocks:
            try:
                return await call(render(card, plan_blocks=True))
            except SlackApiError as error:
                if code_of(error) not in _TOO_RICH:
                    raise
                self._plan_blocks = False
                log.warning("Slack refuses plan blocks; plain sections from now on")
        try:
            return await call(render(card))
        except SlackApiError as error:
            if code_of(error) not in _TOO_RICH:
                raise
            log.exception("Slack refuses our blocks; sending words alone")
            return await call(render_plainly(card))

    async def _answered(self, incoming: Incoming, card: Card) -> bool:
        url = self._replies.take(incoming.delivery_id)
        if url is None:
            return False
        said = render(card)
        try:
            with translated():
                answer = await self._wire.answer_to(url).send(
                    text=said.text,
                    blocks=said.blocks,
                    response_type="ephemeral",
                    replace_original=False,
                )
        except ChatError as error:
            log.warning("a response URL failed: %s", error)
            return False
        return bool(answer.status_code == OK)

    async def _said_aside(self, incoming: Incoming, card: Card) -> bool:
        async def call(said: Rendered) -> AsyncSlackResponse:
            return await self._wire.asides.chat_postEphemeral(
                channel=incoming.home.channel,
                user=incoming.identity.user,
                text=said.text,
                blocks=said.blocks,
            )

        try:
            with translated():
                await self._say(card, call)
        except ChatGoneError:
            return False
        except ChatError as error:
            if error.why not in _UNREACHABLE:
                raise
            return False
        return True

    def _direct_to(self, incoming: Incoming) -> Call:
        async def call(said: Rendered) -> AsyncSlackResponse:
            channel = await self._channel(Address(incoming.home, person=incoming.identity))
            return await self._wire.asides.chat_postMessage(
                channel=channel, text=said.text, blocks=said.blocks
            )

        return call


def _reference(channel: str, ts: str) -> MessageRef:
    return MessageRef(platform=PLATFORM, channel=channel, message_id=ts)
