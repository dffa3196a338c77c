"""The relay shows what the journal says, and what time does to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import cast

from bot.relay import Relay
from commands.domain import events as e
from commands.domain.conversation import Card, Steps
from commands.domain.events import EVENTS
from commands.handlers import Service
from commands.store.async_journal import AsyncJournal
from commands.store.book import AsyncBook
from commands.store.codec import Codec
from commands.store.keys import ENVIRONMENT_JOURNAL
from tests.cards.stories import executing
from tests.cards.teller import Teller
from tests.fakes.chat import FakeChat
from tests.fakes.clock import FixedClock
from tests.fakes.store import AsyncMemoryJournal

WITHIN_S = 5.0


@dataclass(frozen=True, slots=True)
class Shelf:
    """As much of a `Service` as a relay asks for."""

    book: AsyncBook


async def told(story: Teller) -> Shelf:
    """The story's events in a journal in memory."""
    journal = AsyncMemoryJournal(Codec("production", EVENTS, b"k" * 32))
    state = story.state
    opened = e.RollbackOpened(
        rollback_id=state.id,
        number=state.number,
        request=state.request,
        requester=state.requester,
    )
    await journal.append([(ENVIRONMENT_JOURNAL, 0, [opened])], story.now)
    await journal.append([(state.id, 0, story.said)], story.now)
    return Shelf(AsyncBook(cast("AsyncJournal[e.AnyEvent]", journal), "production"))


@asynccontextmanager
async def relaying(story: Teller, clock: FixedClock) -> AsyncIterator[FakeChat]:
    """A relay to a terminal, which draws a running step anew at every look."""
    chat, shelf = FakeChat(), await told(story)
    services = {"production": cast("Service", shelf)}
    relay = Relay(chat=chat, runbook=story.runbook, services=services, clock=clock, redraw_s=0.0)
    running = asyncio.create_task(relay.run())
    try:
        yield chat
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def running_for(card: Card) -> float | None:
    """How long the running step is shown to run."""
    steps = next(block for block in card.blocks if isinstance(block, Steps))
    return steps.lines[2].seconds


async def test_a_running_steps_time_goes_on_without_news() -> None:
    """A step that hangs writes nothing; its card still says how long it takes by now."""
    story = executing()
    clock = FixedClock(story.now)

    async with relaying(story, clock) as chat, asyncio.timeout(WITHIN_S), chat.changed:
        await chat.changed.wait_for(lambda: bool(chat.posts))
        assert (running_for(chat.posts[0].card) or 0) < 100
        clock.sleep(100)
        await chat.changed.wait_for(lambda: len(chat.posts[0].cards) > 1)

        assert running_for(chat.posts[0].card) == 100
