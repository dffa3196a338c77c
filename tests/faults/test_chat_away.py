"""Fault cases 55 to 57: whatever the chats do, the rollback is carried out and its end is told.

Slack and Telegram at once, bot and worker as processes, services that really run. What one
platform's own tests prove alone (a deleted card, an outage of Telegram) is not repeated here.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random

import pytest
import pytest_asyncio

from commands.domain.command import Approve
from tests.faults.embedded_host import GROUP_ID, ON_TELEGRAM, EmbeddedHost, embedded_host
from tests.integration.incident import phrase
from tests.integration.slack_people import ANNA, CHANNEL, on_slack
from tests.servers.slack import Fault, Slack
from tests.servers.slack_fixture import slack
from tests.servers.telegram import TelegramServer
from tests.servers.telegram_faults import FaultKind
from tests.servers.telegram_model import Chat

__all__ = ["slack"]

pytestmark = pytest.mark.timeout(240)

GOOD, BAD = "v1.2.3", "v1.3.0"
FAULTS = 100
SEED = 20261123
TELEGRAM_KINDS: tuple[FaultKind, ...] = ("429", "500", "reset", "lost")
WITHIN_S = 75
LOOK_S = 0.1


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


RESOLVED = phrase("card.resolved") + " api → v1.2.3"


def on_slack_says(slack: Slack, words: str) -> list[str]:
    """The messages of the channel, threads apart, that say so."""
    return [m.ts for m in slack.messages(CHANNEL) if words in m.all_text]


def deliveries(slack: Slack) -> Counter[str]:
    """How often each of the app's messages stands on Slack, by what it delivers."""
    return Counter(str(m.metadata) for m in slack.world.messages if not m.is_deleted)


@pytest_asyncio.fixture
async def chats(slack: Slack, telegram: TelegramServer, tmp_path: Path) -> AsyncIterator[Chats]:
    telegram.lenient_callbacks = True
    slack.rates.post_burst = FAULTS
    group = telegram.group("Incidents", chat_id=GROUP_ID)
    addresses = {
        **on_slack(slack),
        "TELEGRAM_BOT_TOKEN": telegram.token,
        "TELEGRAM_API_URL": telegram.api_url,
    }
    with embedded_host(tmp_path / "world", addresses, BAD) as host:
        host.start("worker", "bot")
        await asyncio.to_thread(host.await_worker)
        await slack.wait_for(lambda: slack.socket.connected, timeout_s=60)
        yield Chats(host, slack, telegram, group)


async def test_a_hundred_faults_each_lose_and_double_nothing(chats: Chats) -> None:
    """Case 55: of a hundred 429, 500, resets and lost answers half strike: told, once on Slack."""
    await chats.planned()
    order = Random(SEED)
    lost = 0
    for _ in range(FAULTS * 2 // 5):
        for method in ("chat.postMessage", "chat.update"):
            chats.slack.faults.next(method, order.choice(list(Fault)))
    # Fewer here: what fails counts against Telegram's own 20 messages a minute.
    for _ in range(FAULTS // 10):
        for method in ("sendMessage", "editMessageText"):
            kind = order.choice(TELEGRAM_KINDS)
            lost += kind == "lost" and method == "sendMessage"
            chats.telegram.fail(1, kind, method=method)

    await chats.carried_out()
    # Senders back off, so that all of them would take minutes: when half have struck, it is over.
    await chats.until(lambda: faults_left(chats) <= FAULTS // 2, "the faults strike")
    chats.slack.faults.waiting.clear()
    chats.telegram.heal()
    await chats.told()

    assert set(deliveries(chats.slack).values()) == {1}
    reports = [m for m in chats.telegram.messages(chats.group) if RESOLVED in m.text]
    assert 1 <= len(reports) <= 1 + lost


def faults_left(chats: Chats) -> int:
    """How many still wait for their call."""
    waiting = chats.slack.faults.waiting.values()
    return sum(map(len, waiting)) + chats.telegram.faults_left


async def test_both_chats_away_for_the_whole_run(chats: Chats) -> None:
    """Case 57: down from before the approval until after the end; both reports catch up, once."""
    await chats.planned()
    await chats.slack.down()
    await chats.telegram.down()

    await chats.carried_out()
    assert not on_slack_says(chats.slack, RESOLVED)
    await chats.slack.up()
    await chats.telegram.up()
    await chats.told()

    assert set(deliveries(chats.slack).values()) == {1}
    assert len([m for m in chats.telegram.messages(chats.group) if RESOLVED in m.text]) == 1


async def test_an_archived_channel_and_a_migrated_group(chats: Chats) -> None:
    """Case 56: the run goes on; the group's successor gets it all, the channel when it is back."""
    await chats.planned()
    chats.slack.archive(CHANNEL)
    successor = await chats.telegram.migrate(chats.group)

    await chats.carried_out()
    await chats.until(lambda: chats.telegram.find(successor, RESOLVED), "the successor is told")
    directs = "".join(m.all_text for m in chats.slack.directs(ANNA))
    assert "RB-1" in directs
    chats.slack.world.channels[CHANNEL].is_archived = False
    await chats.told(successor)

    anna = chats.telegram.user("Anna", user_id=ON_TELEGRAM["anna"])
    await chats.telegram.say(anna, successor, "/rollback status RB-1")
    await chats.until(
        lambda: (
            any("RB-1" in m.text for m in chats.telegram.messages(chats.telegram.private(anna)))
            or any(m.reply_to for m in chats.telegram.messages(successor))
        ),
        "words in the successor are answered",
    )


async def test_a_deleted_card_and_report_come_back(chats: Chats) -> None:
    """Case 56: deleted while it runs, on both: the next change posts the card anew."""
    await chats.planned()
    for message in chats.slack.messages(CHANNEL):
        chats.slack.delete(message)
    for posted in chats.telegram.messages(chats.group):
        await chats.telegram.delete(posted)

    await chats.carried_out()
    await chats.told()
