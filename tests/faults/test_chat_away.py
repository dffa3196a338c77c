"""Fault cases 55 to 57: whatever the chats do, the rollback is carried out and its end is told.

Slack and Telegram at once, bot and worker as processes, services that really run. What one
platform's own tests prove alone (a deleted card, an outage of Telegram) is not repeated here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest
import pytest_asyncio

from tests.faults.embedded_host import ON_TELEGRAM as ACCOUNTS
from tests.faults.two_chats import RESOLVED, Chats, deliveries, on_slack_says, two_chats
from tests.integration.incident import phrase
from tests.integration.slack_people import ANNA, CHANNEL
from tests.servers.slack import Fault, Slack
from tests.servers.slack_fixture import slack
from tests.servers.telegram import TelegramServer
from tests.servers.telegram_faults import FaultKind

__all__ = ["slack"]

pytestmark = pytest.mark.timeout(600)

FAULTS = 100
ON_SLACK = {"chat.postMessage": 40, "chat.update": 40}
ON_TELEGRAM = {"sendMessage": 10, "editMessageText": 10}
SEED = 20261123
TELEGRAM_KINDS: tuple[FaultKind, ...] = ("429", "500", "reset", "lost")


@pytest_asyncio.fixture
async def chats(slack: Slack, telegram: TelegramServer, tmp_path: Path) -> AsyncIterator[Chats]:
    async with two_chats(tmp_path / "world", slack, telegram) as made:
        yield made


async def test_a_hundred_faults_each_lose_and_double_nothing(
    slack: Slack, telegram: TelegramServer, tmp_path: Path
) -> None:
    """Case 55: a hundred 429, 500, resets and lost answers strike: told everywhere, once on Slack.

    Senders back off by room, so that in one room alone all of them would take minutes.
    """
    order = Random(SEED)
    async with two_chats(tmp_path / "world", slack, telegram, more_rooms=6, more_groups=3) as chats:
        await chats.planned()
        for method, count in ON_SLACK.items():
            for _ in range(count):
                slack.faults.next(method, order.choice(list(Fault)))
        kinds = {m: order.choices(TELEGRAM_KINDS, k=count) for m, count in ON_TELEGRAM.items()}
        for method, drawn in kinds.items():
            for kind in drawn:
                telegram.fail(1, kind, method=method)
        assert faults_left(chats) == FAULTS

        await chats.carried_out()
        await chats.until(lambda: faults_left(chats) == 0, "the faults strike")
        for words in (RESOLVED, phrase("status.succeeded")):
            await chats.everywhere(words)

        assert set(deliveries(slack).values()) == {1}
        lost = kinds["sendMessage"].count("lost")
        assert len(chats.groups) <= chats.reports() <= len(chats.groups) + lost


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
    assert chats.reports() == 1


async def test_an_archived_channel_and_a_migrated_group(chats: Chats) -> None:
    """Case 56: the run goes on; the group's successor gets it all, the channel when it is back."""
    await chats.planned()
    chats.slack.archive(CHANNEL)
    successor = await chats.telegram.migrate(chats.group)

    await chats.carried_out()
    await chats.until(lambda: chats.telegram.find(successor, RESOLVED), "the successor is told")
    await chats.until(
        lambda: any("RB-1" in m.all_text for m in chats.slack.directs(ANNA)),
        "Anna is told directly",
    )
    chats.slack.world.channels[CHANNEL].is_archived = False
    await chats.told(successor)

    anna = chats.telegram.user("Anna", user_id=ACCOUNTS["anna"])
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
