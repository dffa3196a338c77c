"""An absent Redis is told of once, where something runs, and taken back whatever the chat does."""

from __future__ import annotations

from typing import cast

import pytest

from bot.outages import AFTER_S, Outages
from commands.domain.errors import ChatError
from tests.cards.stories import executing, requested, succeeded, waiting
from tests.cards.teller import HOME, Teller
from tests.fakes.chat import FakeChat
from tests.fakes.clock import FixedClock


class Stopwatch:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.at_s = 0.0

    def __call__(self) -> float:
        return self.at_s


async def away(outages: Outages, watch: Stopwatch, seconds: float) -> None:
    """Look after look fails, so long."""
    until = watch.at_s + seconds
    while watch.at_s < until:
        watch.at_s += 1
        await outages.away("production", (HOME,))


def made(story: Teller) -> tuple[Outages, FakeChat, Stopwatch]:
    """One platform that has read this rollback."""
    chat, watch = FakeChat(platform="slack"), Stopwatch()
    clock = FixedClock(story.now)
    outages = Outages(chat=chat, runbook=story.runbook, clock=clock, now=watch)
    outages.remember("production", story.state)
    return outages, chat, watch


async def test_an_outage_is_one_message_and_the_next_another() -> None:
    """Told when it lasts, edited when it is over though the chat refuses at first."""
    outages, chat, watch = made(executing())
    clock = cast("FixedClock", outages.clock)
    await away(outages, watch, AFTER_S)
    await outages.back("production")
    assert chat.posts == []

    chat.failures.append(ChatError("slack", "ratelimited", 3.0))
    await away(outages, watch, 30)
    assert [p.address.channel for p in chat.posts] == [HOME]
    assert "RB-17" in chat.posts[0].card.plain
    chat.failures.append(ChatError("slack", "ratelimited", 3.0))
    await outages.back("production")
    await outages.back("production")
    assert len(chat.posts[0].cards) == 1
    watch.at_s += 4
    await outages.back("production")
    assert "снова отвечает" in chat.posts[0].card.plain

    clock.sleep(60)
    await away(outages, watch, 30)
    assert len(chat.posts) == 2
    assert len(chat.posts[0].cards) == 2


@pytest.mark.parametrize(("story", "posts"), [(waiting(), 0), (succeeded(), 0), (requested(), 1)])
async def test_it_is_told_where_something_waits_for_it(story: Teller, posts: int) -> None:
    """Where people decide, or all is done, nothing stands still with Redis."""
    outages, chat, watch = made(story)

    await away(outages, watch, 30)

    assert len(chat.posts) == posts
