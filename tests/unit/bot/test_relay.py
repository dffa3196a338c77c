"""The relay shows what the journal says, and what time does to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import cast

import pytest

from bot.attention import LOST
from bot.cards.view import View
from bot.clock import Deadlines
from bot.outbox import RECENT, Wanted, looked_at, wanted
from bot.relay import Relay
from commands.domain import events as e
from commands.domain.conversation import Card, MessageRef, Steps
from commands.domain.errors import RefusedError
from commands.domain.events import EVENTS
from commands.domain.plan import DropScratch, EndMaintenance, PlanPart
from commands.domain.state import EnvironmentState, OpenRollback
from commands.domain.text import Text, text
from commands.handlers import Service
from commands.store.async_journal import AsyncJournal
from commands.store.book import AsyncBook
from commands.store.codec import Codec
from commands.store.keys import ENVIRONMENT_JOURNAL
from tests.cards.stories import executing, worker_lost
from tests.cards.stories_database import db_lock
from tests.cards.teller import HOME, Teller
from tests.fakes.chat import FakeChat
from tests.fakes.clock import FixedClock
from tests.fakes.store import AsyncMemoryJournal

WITHIN_S = 60.0


@dataclass(frozen=True, slots=True)
class Shelf:
    """As much of a `Service` as a relay asks for."""

    book: AsyncBook

    async def observed(self) -> None:
        """No observer has made a record."""


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


async def test_that_nobody_works_is_taken_back_where_it_was_said() -> None:
    """Once a worker is back, the message that none lives is edited; no other one is posted."""
    story = worker_lost()
    said = next(w for w in lost_messages(story))
    assert said.live
    reference = MessageRef(platform="slack", channel="C1", message_id="1")
    story.tell(e.Posted(key=said.key, message=reference), e.WorkerBack(), after_s=20)

    (after,) = lost_messages(story)

    assert (after.key, after.live) == (said.key, True)
    assert "вернулся" in after.card().plain


def lost_messages(story: Teller) -> list[Wanted]:
    """What should stand in Slack about a worker that is away."""
    view = View(story.state, story.runbook, "ru", story.now)
    return [w for w in wanted(view, "slack", (HOME,)) if w.key.startswith(LOST)]


@pytest.mark.parametrize(
    ("kind", "detail", "shown"),
    [
        (
            EndMaintenance,
            text("db.maintenance_stays", services=("api",), file="/etc/traefik/rollbot.yml"),
            "not well are api",
        ),
        (DropScratch, text("db.pruned", n=2), "2 old backups deleted"),
    ],
)
def test_what_only_the_clean_up_knows_is_told(
    kind: type[PlanPart], detail: Text, shown: str
) -> None:
    """No card has a line for it: a page that stays, its services ill; backups that are gone."""
    story = db_lock().tell(e.Cancelled(person="anna"))
    plan = story.state.plan
    assert plan is not None
    (number,) = (s.number for s in plan.steps if isinstance(s.action, kind))
    story.tell(
        e.StepIntended(step=number, attempt=1), e.StepDone(step=number, seconds=1, detail=detail)
    )

    view = View(story.state, story.runbook, "en", story.now)
    cards = {w.key: w.card() for w in wanted(view, "slack", (HOME,))}

    assert any(
        key.startswith(f"step:{number}:") and shown in card.plain for key, card in cards.items()
    )


def test_every_open_rollback_is_looked_at() -> None:
    """An old one that is still open is relayed behind forty newer ones that have ended."""
    state = EnvironmentState(name="production")
    first = executing().state
    for number in range(40):
        opened = OpenRollback(f"RB-{number}", first.request, first.requester, first.requested_at)
        state.opened[opened.id] = opened
    state.open["RB-0"] = state.opened["RB-0"]

    names = looked_at(state)

    assert names[0] == "RB-0"
    assert len(names) == RECENT + 1


async def test_a_busy_journal_does_not_end_the_deadlines() -> None:
    """That a journal was too busy to write in is waited for, as a store that is away is."""
    looked = asyncio.Event()

    class Busy:
        """A service whose journal is always somebody else's turn."""

        @property
        def book(self) -> AsyncBook:
            looked.set()
            raise RefusedError("refused.too_busy")

    services = {"production": cast("Service", Busy())}
    story = executing()
    deadlines = Deadlines(runbook=story.runbook, services=services, clock=FixedClock())
    running = asyncio.create_task(deadlines.run())
    async with asyncio.timeout(WITHIN_S):
        await looked.wait()
    await asyncio.sleep(0)

    assert not running.done()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
