"""Both chats away in real time: before the yes, through the whole rollback, and long after it."""

from __future__ import annotations

import asyncio
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from tests.faults.campaign_tally import Tally
from tests.faults.two_chats import RESOLVED, Chats, deliveries, on_slack_says, two_chats
from tests.servers.slack_thread import slack_in_thread
from tests.servers.telegram import TelegramServer


def chats_away(seconds: float) -> Tally:
    """One rollback without a chat for so long; how soon its end is told afterwards."""
    return asyncio.run(_struck(seconds))


async def _struck(seconds: float) -> Tally:
    tally = Tally(f"both chats away for {seconds:.0f} s", points=1)
    with (
        tempfile.TemporaryDirectory(prefix="rollbot-faults-") as folder,
        slack_in_thread() as slack,
    ):
        async with (
            TelegramServer() as telegram,
            two_chats(Path(folder) / "world", slack, telegram) as chats,
        ):
            await _away(chats, seconds, tally)
            tally.lost += [f"wrong use of Slack: {what}" for what in slack.violations]
            tally.lost += [f"wrong use of Telegram: {what}" for what in telegram.violations]
    return tally


async def _away(chats: Chats, seconds: float, tally: Tally) -> None:
    await chats.planned()
    began = time.monotonic()
    await chats.slack.down()
    await chats.telegram.down()
    with _kept(urlsplit(chats.slack.api_url).port):
        await chats.carried_out()
        tally.name += f", succeeded after {time.monotonic() - began:.0f} s"
        await asyncio.sleep(seconds - (time.monotonic() - began))
    if on_slack_says(chats.slack, RESOLVED) or chats.reports():
        tally.lost.append("somebody was told while nobody could be")
    await chats.slack.up()
    await chats.telegram.up()
    slack_s, telegram_s = await asyncio.gather(
        _seconds_until(chats, partial(on_slack_says, chats.slack, RESOLVED), "Slack"),
        _seconds_until(chats, chats.reports, "Telegram"),
    )
    await chats.told()
    tally.name += f"; its end told on Slack {slack_s:.1f} s, on Telegram {telegram_s:.1f} s later"
    for delivery, count in deliveries(chats.slack).items():
        if count > 1:
            tally.doubled.append(f"{delivery} stands {count} times")
    if chats.reports() != 1:
        tally.doubled.append(f"Telegram reads the end {chats.reports()} times")


@contextmanager
def _kept(port: int | None) -> Iterator[None]:
    """Nobody else gets the port of a server that is away; nobody listens there either."""
    with socket.socket() as keeper:
        keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        keeper.bind(("127.0.0.1", port or 0))
        yield


async def _seconds_until(chats: Chats, told: Callable[[], object], what: str) -> float:
    began = time.monotonic()
    await chats.until(told, what)
    return time.monotonic() - began
