"""Opens the form, and fills it while somebody chooses."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from bot.slack import form
from bot.slack.incoming import Body, home
from bot.slack.standing import People
from bot.slack.wire import Wire, translated
from commands.domain.conversation import Suggestions
from commands.domain.errors import ChatError, RollbotError
from commands.domain.people import Language
from commands.domain.runbook import Channel
from commands.ports import Desk

log = logging.getLogger(__name__)

SUGGEST_WITHIN_S = 1.0
Ack = Callable[..., Awaitable[Any]]


class Forms:
    """The modal's side of the conversation; nothing here decides anything."""

    def __init__(self, wire: Wire, desk: Desk, people: People) -> None:
        self._wire, self._desk, self._people = wire, desk, people

    async def offered(self, where: Channel) -> Suggestions | None:
        """What a form may offer here; None as well when that cannot be told in time."""
        try:
            async with asyncio.timeout(SUGGEST_WITHIN_S):
                found = await self._desk.suggestions(where)
        except (RollbotError, TimeoutError) as error:
            log.warning("no suggestions: %s", error)
            return None
        return found if found and found.services else None

    async def open(self, body: Body, where: Channel, offered: Suggestions) -> bool:
        """Within 3 s of the command, or Slack forgets it. False: it could not be opened."""
        language = self._language(body["user_id"], where)
        shown = form.view(offered, offered.services[0], where.channel, language)
        try:
            with translated():
                await self._wire.cards.views_open(trigger_id=body["trigger_id"], view=shown)
        except ChatError as error:
            log.warning("form not opened: %s", error)
            return False
        return True

    async def on_service(self, ack: Ack, body: Body) -> None:
        """Another service was chosen: offer that one's versions."""
        await ack()
        shown = body["view"]
        where = home(self._people.team, form.channel_of(shown))
        offered = await self.offered(where)
        if offered is None:
            return
        service = body["actions"][0]["selected_option"]["value"]
        changed = form.view(
            offered, service, where.channel, self._language(body["user"]["id"], where)
        )
        try:
            with translated():
                await self._wire.cards.views_update(
                    view_id=shown["id"], hash=shown["hash"], view=changed
                )
        except ChatError as error:
            log.warning("form not changed: %s", error)

    async def on_versions(self, ack: Ack, body: Body) -> None:
        """The version picker asks what to offer for what was typed so far."""
        where = home(self._people.team, form.channel_of(body["view"]))
        offered = await self.offered(where)
        if offered is None:
            await ack(options=[])
            return
        service = form.service_of(body["block_id"])
        language = self._language(body["user"]["id"], where)
        await ack(options=form.version_options(offered, service, body.get("value") or "", language))

    def _language(self, user: str, where: Channel) -> Language:
        return self._desk.language_of(self._people.member(user), where)
