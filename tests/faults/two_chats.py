"""Slack and Telegram at once before one host: bot and worker as processes, real services."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from commands.domain.command import Approve
from tests.faults.embedded_host import GROUP_ID, ON_TELEGRAM, EmbeddedHost, embedded_host
from tests.integration.incident import phrase
from tests.integration.slack_people import ANNA, CHANNEL, SHIPPED, on_slack
from tests.servers.slack import Slack
from tests.servers.telegram import TelegramServer
from tests.servers.telegram_model import Chat

GOOD, BAD = "v1.2.3", "v1.3.0"
POSTS_AT_ONCE = 100
WITHIN_S = 150
LOOK_S = 0.1
RESOLVED = phrase("card.resolved") + " api → v1.2.3"


@dataclass(frozen=True, slots=True)
class Chats:
    """One incident before two audiences. The first room and `group` are where it is asked for."""

    host: EmbeddedHost
    slack: Slack
    telegram: TelegramServer
    rooms: tuple[str, ...]
    groups: tuple[Chat, ...]

    @property
    def group(self) -> Chat:
        """The group that most tests mean."""
        return self.groups[0]

    async def until(self, question: Callable[[], object], what: str) -> None:
        """Ask until the answer is yes; the chats are served meanwhile."""
        deadline = asyncio.get_running_loop().time() + WITHIN_S
        while not await asyncio.to_thread(question):
            await asyncio.sleep(LOOK_S)
            assert asyncio.get_running_loop().time() < deadline, f"{what}\n{self.host.logs()}"

    async def planned(self) -> None:
        """Anna asks in one room, then in all others and on Telegram, which joins: all show it."""
        words, (first, *others) = f"/rollback api {GOOD}", self.rooms
        await self.slack.slash(ANNA, first, words)
        await asyncio.to_thread(self.host.await_status, "planned")
        for room in others:
            await self.slack.slash(ANNA, room, words)
        anna = self.telegram.user("Anna", user_id=ON_TELEGRAM["anna"])
        for group in self.groups:
            await self.telegram.say(anna, group, words)
        await self.everywhere("RB-1")

    async def everywhere(self, words: str) -> None:
        """Wait until every room and group reads these words."""
        for room in self.rooms:
            said = partial(on_slack_says, self.slack, words, room)
            await self.until(said, f"Slack, {room}: {words}")
        for group in self.groups:
            found = partial(self.telegram.find, group, words)
            await self.until(found, f"Telegram, {group.id}: {words}")

    async def carried_out(self) -> None:
        """Anna says yes, whatever the chats do, and the rollback ends well."""
        await asyncio.to_thread(lambda: self.host.order(Approve(self.host.actor("anna")), "RB-1"))
        await asyncio.to_thread(self.host.await_status, "succeeded")
        assert self.host.world.version("api") == GOOD

    async def told(self, group: Chat | None = None) -> None:
        """The announcement and the live card's last state have reached both channels."""
        there = group or self.group
        for words in (RESOLVED, phrase("status.succeeded")):
            await self.until(partial(on_slack_says, self.slack, words), f"Slack: {words}")
            await self.until(partial(self.telegram.find, there, words), f"Telegram: {words}")

    def reports(self) -> int:
        """How often the groups read the announcement of the end."""
        said = (m for group in self.groups for m in self.telegram.messages(group))
        return len([m for m in said if RESOLVED in m.text])


def on_slack_says(slack: Slack, words: str, room: str = CHANNEL) -> list[str]:
    """The messages of the channel, threads apart, that say so."""
    return [m.ts for m in slack.messages(room) if words in m.all_text]


def deliveries(slack: Slack) -> Counter[str]:
    """How often each of the app's messages stands on Slack, by what it delivers."""
    return Counter(str(m.metadata) for m in slack.world.messages if not m.is_deleted)


@asynccontextmanager
async def two_chats(
    folder: Path, slack: Slack, telegram: TelegramServer, more_rooms: int = 0, more_groups: int = 0
) -> AsyncIterator[Chats]:
    """The host with its bot and worker, listening on both, in one channel each or in more."""
    telegram.lenient_callbacks = True
    slack.rates.post_burst = POSTS_AT_ONCE
    rooms = (CHANNEL, *(f"C0ROOM{n}" for n in range(more_rooms)))
    groups = tuple(
        telegram.group(f"Incidents {n}", chat_id=GROUP_ID - n) for n in range(1 + more_groups)
    )
    addresses = {
        **on_slack(slack),
        "TELEGRAM_BOT_TOKEN": telegram.token,
        "TELEGRAM_API_URL": telegram.api_url,
    }
    for room in rooms:
        slack.channel(room, *SHIPPED)
    group_ids = tuple(group.id for group in groups)
    with embedded_host(folder, addresses, BAD, rooms, group_ids) as host:
        host.start("worker", "bot")
        await asyncio.to_thread(host.await_worker)
        await slack.wait_for(lambda: slack.socket.connected)
        yield Chats(host, slack, telegram, rooms, groups)
