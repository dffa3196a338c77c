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
from tests.integration.slack_people import ANNA, CHANNEL, on_slack
from tests.servers.slack import Slack
from tests.servers.telegram import TelegramServer
from tests.servers.telegram_model import Chat

GOOD, BAD = "v1.2.3", "v1.3.0"
POSTS_AT_ONCE = 100
WITHIN_S = 75
LOOK_S = 0.1
RESOLVED = phrase("card.resolved") + " api → v1.2.3"


@dataclass(frozen=True, slots=True)
class Chats:
    """One incident before two audiences."""

    host: EmbeddedHost
    slack: Slack
    telegram: TelegramServer
    group: Chat

    async def until(self, question: Callable[[], object], what: str) -> None:
        """Ask until the answer is yes; the chats are served meanwhile."""
        deadline = asyncio.get_running_loop().time() + WITHIN_S
        while not await asyncio.to_thread(question):
            await asyncio.sleep(LOOK_S)
            assert asyncio.get_running_loop().time() < deadline, f"{what}\n{self.host.logs()}"

    async def planned(self) -> None:
        """Anna asks on Slack, and on Telegram too, which joins: RB-1 stands in both channels."""
        words = f"/rollback api {GOOD}"
        await self.slack.slash(ANNA, CHANNEL, words)
        await asyncio.to_thread(self.host.await_status, "planned")
        anna = self.telegram.user("Anna", user_id=ON_TELEGRAM["anna"])
        await self.telegram.say(anna, self.group, words)
        await self.until(self.shown_on_slack, "Slack shows the plan")
        await self.until(self.shown_on_telegram, "Telegram shows the plan")

    def shown_on_slack(self) -> bool:
        return bool(on_slack_says(self.slack, "RB-1"))

    def shown_on_telegram(self) -> bool:
        return bool(self.telegram.find(self.group, "RB-1"))

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
        """How often the group reads the announcement of the end."""
        return len([m for m in self.telegram.messages(self.group) if RESOLVED in m.text])


def on_slack_says(slack: Slack, words: str) -> list[str]:
    """The messages of the channel, threads apart, that say so."""
    return [m.ts for m in slack.messages(CHANNEL) if words in m.all_text]


def deliveries(slack: Slack) -> Counter[str]:
    """How often each of the app's messages stands on Slack, by what it delivers."""
    return Counter(str(m.metadata) for m in slack.world.messages if not m.is_deleted)


@asynccontextmanager
async def two_chats(folder: Path, slack: Slack, telegram: TelegramServer) -> AsyncIterator[Chats]:
    """The host with its bot and worker, listening on both."""
    telegram.lenient_callbacks = True
    slack.rates.post_burst = POSTS_AT_ONCE
    group = telegram.group("Incidents", chat_id=GROUP_ID)
    addresses = {
        **on_slack(slack),
        "TELEGRAM_BOT_TOKEN": telegram.token,
        "TELEGRAM_API_URL": telegram.api_url,
    }
    with embedded_host(folder, addresses, BAD) as host:
        host.start("worker", "bot")
        await asyncio.to_thread(host.await_worker)
        await slack.wait_for(lambda: slack.socket.connected, timeout_s=60)
        yield Chats(host, slack, telegram, group)
