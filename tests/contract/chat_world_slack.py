"""The real Slack adapter on the local Slack, for the suite in `test_chat.py`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pydantic import SecretStr

from bot.slack import connect
from bot.slack.manifest import SCOPES
from commands.domain.conversation import Incoming, MessageRef
from commands.domain.people import Identity
from commands.domain.runbook import Channel
from commands.ports import Chat
from commands.settings import SlackSettings
from tests.fakes.clock import FixedClock
from tests.fakes.desk import RecordingDesk
from tests.servers.slack import APP_TOKEN, BOT_TOKEN, TEAM, Fault, Message, Slack

CHANNEL, ANNA = "C0INC", "U0ANNA"


class SlackWorld:
    """A channel with Anna in it."""

    def __init__(self, slack: Slack, chat: Chat, desk: RecordingDesk) -> None:
        self.slack, self.chat, self.desk = slack, chat, desk
        slack.person(ANNA, "anna")
        slack.channel(CHANNEL, ANNA)
        self.channel = Channel(platform="slack", workspace=TEAM, channel=CHANNEL)
        self.person = Identity(platform="slack", workspace=TEAM, user=ANNA)

    async def say(self, words: str) -> Incoming:
        await self.slack.slash(ANNA, CHANNEL, f"/rollback {words}")
        return await self.desk.heard()

    def shown(self, message: MessageRef) -> str:
        found = self._find(message)
        return found.all_text if found else ""

    def in_channel(self) -> list[str]:
        return [
            one.all_text
            for one in self.slack.world.messages
            if one.channel == CHANNEL and not one.is_deleted
        ]

    def in_private(self) -> list[str]:
        shown = [*self.slack.directs(ANNA), *self.slack.ephemerals(ANNA)]
        return [one.all_text for one in shown]

    def root_of(self, message: MessageRef) -> str:
        found = self._find(message)
        return found.thread_ts or "" if found else ""

    async def delete(self, message: MessageRef) -> None:
        found = self._find(message)
        assert found is not None
        self.slack.delete(found)

    async def break_next_call(self) -> None:
        self.slack.faults.next("*", Fault.SERVER_ERROR)

    async def lose_next_answer(self) -> None:
        self.slack.faults.next("chat.postMessage", Fault.REPLY_LOST)

    def _find(self, message: MessageRef) -> Message | None:
        for one in self.slack.world.messages:
            if (one.channel, one.ts) == (message.channel, message.message_id):
                return one
        return None


@asynccontextmanager
async def slack_world() -> AsyncIterator[SlackWorld]:
    desk = RecordingDesk()
    async with Slack.running(frozenset(SCOPES)) as slack:
        settings = SlackSettings(SecretStr(BOT_TOKEN), SecretStr(APP_TOKEN), slack.api_url)
        connected = connect(settings, desk, FixedClock())
        await connected.start()
        yield SlackWorld(slack, connected.chat, desk)
        await connected.stop()
        assert slack.violations == []
