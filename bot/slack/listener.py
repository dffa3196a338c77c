"""Slack in: commands, buttons and forms are handed in at the desk, and only then acknowledged.

Slack waits 3 s for an acknowledgement. What takes longer is acknowledged in time all the same, and
the sender is told afterwards when it was not accepted. An error soon after `ack()` would take the
acknowledgement back (slack_bolt 1.30), so what follows it does not raise.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from typing import Any

from slack_bolt.async_app import AsyncApp

from bot.slack import form
from bot.slack.buttons import ACTION_PREFIX
from bot.slack.chat import SlackChat
from bot.slack.forms import Forms
from bot.slack.incoming import Body, delivery_id, from_button, from_command, from_form, home, typed
from bot.slack.renderer import render
from bot.slack.replies import Replies
from bot.slack.standing import People, Sender
from commands.domain.conversation import Card, Incoming, Standing, Tone
from commands.domain.errors import ChatError, RollbotError
from commands.domain.runbook import Channel
from commands.domain.text import text
from commands.locale import say
from commands.ports import Clock, Desk

log = logging.getLogger(__name__)

ACK_WITHIN_S = 2.4
"""Slack's 3 s, less the way there and back."""
Ack = Callable[..., Awaitable[Any]]


class Listener:
    """What Slack's users type, press and fill in."""

    def __init__(
        self,
        desk: Desk,
        clock: Clock,
        chat: SlackChat,
        people: People,
        replies: Replies,
        forms: Forms,
    ) -> None:
        self._desk, self._clock, self._chat = desk, clock, chat
        self._people, self._replies, self._forms = people, replies, forms
        self._late: set[asyncio.Task[None]] = set()

    def register(self, app: AsyncApp) -> None:
        """Hear everything the app is sent; what is not ours is acknowledged and dropped."""
        anything = re.compile(".*", re.DOTALL)
        app.command(anything)(self.on_command)
        app.action(re.compile(f"^{ACTION_PREFIX}"))(self.on_button)
        app.view(form.CALLBACK)(self.on_form)
        app.action(form.SERVICE)(self._forms.on_service)
        app.options(form.VERSION)(self._forms.on_versions)
        for kind in (app.action, app.view, app.options, app.shortcut):
            kind(anything)(_drop)

    async def on_command(self, ack: Ack, body: Body) -> None:
        """`/rollback …`; bare, it opens the form."""
        due = _due()
        where = home(self._people.team, body["channel_id"])
        self._remember(body)
        try:
            sender = await self._people.sender(body["user_id"], body.get("team_id") or "")
        except ChatError:
            await _ack_with(ack, self._unidentified(body["user_id"], where))
            return
        is_bare = not typed(body) and sender.standing is Standing.MEMBER
        if is_bare and (offered := await self._forms.offered(where)):
            await ack()
            if not await self._forms.open(body, where, offered):
                await self._help_instead(body, sender, where)
            return
        incoming = from_command(body, sender, where, self._clock.now())
        refusal = await self._hand_in(incoming, due)
        await (_ack_with(ack, refusal) if refusal else ack())

    async def on_button(self, ack: Ack, body: Body) -> None:
        """A button of a card."""
        due = _due()
        where = home(self._people.team, body["channel"]["id"])
        self._remember(body)
        user = body["user"]
        try:
            sender = await self._people.sender(user["id"], user.get("team_id") or "")
        except ChatError:
            await ack()
            unsure = Sender(self._people.member(user["id"]), Standing.ANONYMOUS, "")
            pressed = from_button(body, unsure, where, self._clock.now())
            await self._tell(pressed, self._unidentified(user["id"], where))
            return
        incoming = from_button(body, sender, where, self._clock.now())
        refusal = await self._hand_in(incoming, due)
        await ack()
        if refusal:
            await self._tell(incoming, refusal)

    async def on_form(self, ack: Ack, body: Body) -> None:
        """The form, sent off. While it was not accepted it stays open and says why."""
        due = _due()
        where = home(self._people.team, form.channel_of(body["view"]))
        user = body["user"]
        try:
            sender = await self._people.sender(user["id"], user.get("team_id") or "")
        except ChatError:
            refusal: Card | None = self._unidentified(user["id"], where)
        else:
            asked = from_form(body, sender, where, self._clock.now())
            refusal = await self._hand_in(asked, due)
        if refusal:
            await ack(response_action="errors", errors={"service": refusal.plain})
        else:
            await ack()

    async def stop(self) -> None:
        """Let late answers end."""
        if self._late:
            await asyncio.wait(self._late, timeout=ACK_WITHIN_S)

    async def _hand_in(self, incoming: Incoming, due: float) -> Card | None:
        """Persist it. A refusal when it was not; None when it was, or when time is short."""
        accepting = asyncio.ensure_future(self._desk.accept(incoming))
        left_s = max(0.1, due - asyncio.get_running_loop().time())
        done, _ = await asyncio.wait({accepting}, timeout=left_s)
        if not done:
            late = asyncio.ensure_future(self._tell_when_refused(accepting, incoming))
            self._late.add(late)
            late.add_done_callback(self._late.discard)
            return None
        error = accepting.exception()
        return self._refusal(error, incoming) if isinstance(error, Exception) else None

    async def _tell_when_refused(self, accepting: asyncio.Future[bool], incoming: Incoming) -> None:
        try:
            await accepting
        except Exception as error:  # noqa: BLE001 -- the edge: nobody awaits this task
            await self._tell(incoming, self._refusal(error, incoming))

    async def _help_instead(self, body: Body, sender: Sender, where: Channel) -> None:
        incoming = from_command(body | {"text": "help"}, sender, where, self._clock.now())
        if refusal := await self._hand_in(incoming, _due()):
            await self._tell(incoming, refusal)

    def _refusal(self, error: Exception, incoming: Incoming) -> Card:
        if not isinstance(error, RollbotError):
            log.error("not accepted: %s", incoming.delivery_id, exc_info=error)
        return self._desk.refusal(error, incoming)

    async def _tell(self, incoming: Incoming, card: Card) -> None:
        try:
            await self._chat.whisper(incoming, card)
        except ChatError as error:
            log.warning("refusal not shown: %s", error)

    def _unidentified(self, user: str, where: Channel) -> Card:
        language = self._desk.language_of(self._people.member(user), where)
        line = say(text("slack.unidentified"), language)
        return Card(plain=line, headline=line, tone=Tone.BAD)

    def _remember(self, body: Body) -> None:
        if url := body.get("response_url"):
            self._replies.remember(delivery_id(body), url)


def _due() -> float:
    """When the acknowledgement must be out, on the loop's clock."""
    return asyncio.get_running_loop().time() + ACK_WITHIN_S


async def _ack_with(ack: Ack, card: Card) -> None:
    said = render(card)
    await ack(text=said.text, blocks=said.blocks, response_type="ephemeral")


async def _drop(ack: Ack) -> None:
    await ack()
