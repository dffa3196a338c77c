"""What nobody expected ends neither the bot nor anybody else's rollback, and is never hidden."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator, MutableMapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast

import httpx
import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from bot.clock import Deadlines
from bot.relay import Relay
from bot.rounds import FAILS_FOR_S, Rounds
from bot.web import Health, app
from commands.domain import events as e
from commands.domain.conversation import Address, Card, MessageRef
from commands.domain.state import EnvironmentState, OpenRollback, RollbackState
from commands.handlers import Service
from commands.store.book import AsyncBook
from tests.cards.stories import executing
from tests.cards.stories_database import drop_kept_asked
from tests.engines.waiting import eventually
from tests.fakes.chat import FakeChat
from tests.fakes.clock import FixedClock
from tests.unit.bot.test_clock import Office, closed
from tests.unit.bot.test_relay import told

WITHIN_S = 60.0


@pytest.fixture(autouse=True)
def logs() -> Iterator[list[MutableMapping[str, Any]]]:
    """What was logged; nobody has to draw it."""
    with capture_logs() as lines:
        yield lines


@dataclass(frozen=True, slots=True)
class Muddled(Office):
    """An environment whose list of workers is nothing that anybody foresaw, for a while."""

    muddles: list[str] = field(default_factory=list)

    async def workers(self) -> tuple[()]:
        """Fails as long as there are `muddles`."""
        for muddle in self.muddles:
            raise ValueError(muddle)
        return ()


@dataclass(slots=True)
class Unreadable:
    """A book in which one rollback's entries make no sense; the others are `book`'s."""

    book: AsyncBook
    name: str = "production"

    @property
    def journal(self) -> Any:
        return self.book.journal

    async def environment(self) -> EnvironmentState:
        state = await self.book.environment()
        (other,) = state.opened.values()
        opened = OpenRollback("RB-0", other.request, other.requester, other.since)
        state.opened["RB-0"] = state.open["RB-0"] = opened
        return state

    async def rollback(self, name: str) -> RollbackState | None:
        if name == "RB-0":
            raise ValueError(name)
        return await self.book.rollback(name)

    async def carry(self, *said: Any) -> Any:
        return await self.book.carry(*said)


async def asked(health: Health, path: str) -> httpx.Response:
    """What the bot's web app answers now."""
    served = httpx.ASGITransport(app(health))
    async with httpx.AsyncClient(transport=served, base_url="http://bot") as client:
        return await client.get(path)


def counted(task: str) -> float:
    """So many errors `/metrics` has of a task."""
    return REGISTRY.get_sample_value("rollbot_unexpected_errors_total", {"task": task}) or 0.0


async def alive_while(task: Coroutine[Any, Any, None], does: Coroutine[Any, Any, None]) -> None:
    """The task is still at work when what was to be seen was seen."""
    running = asyncio.create_task(task)
    async with asyncio.timeout(WITHIN_S):
        await does
    assert not running.done()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_an_environment_that_fails_ends_no_other_and_is_seen(
    monkeypatch: pytest.MonkeyPatch, logs: list[MutableMapping[str, Any]]
) -> None:
    """One traceback in the log, every error in /metrics, /healthz names it until it is over."""
    monkeypatch.setattr("bot.clock.EVERY_S", 0.01)
    story = closed(drop_kept_asked())
    muddled = Muddled((await told(story)).book, muddles=["no number"])
    sound = Office((await told(story)).book)
    health, before = Health(store=True), counted("clock")
    deadlines = Deadlines(
        runbook=story.runbook,
        services={"production": cast("Service", muddled), "staging": cast("Service", sound)},
        clock=FixedClock(story.now + timedelta(hours=2)),
        rounds=health.rounds,
    )

    async def seen() -> None:
        await asyncio.to_thread(eventually, lambda: counted("clock") >= before + 3)
        answer = await asked(health, "/healthz")
        assert (answer.status_code, answer.json()["failing"]) == (503, ["clock production"])
        assert 'errors_total{task="clock"}' in (await asked(health, "/metrics")).text
        assert (await sound.book.entries(story.state.id))[-1].event == e.Expired(verb="drop_kept")
        muddled.muddles.clear()
        await asyncio.to_thread(eventually, lambda: health.good)
        assert (await asked(health, "/healthz")).status_code == httpx.codes.OK

    await alive_while(deadlines.run(), seen())
    (line,) = [line for line in logs if line["event"] == "round_failed"]
    assert line["log_level"] == "error"
    assert isinstance(line["exc_info"], ValueError)


async def test_a_rollback_that_fails_leaves_the_others_their_deadlines() -> None:
    """One rollback's entries make no sense: the other's question expires all the same."""
    story = closed(drop_kept_asked())
    book = Unreadable((await told(story)).book)
    office = Office(cast("AsyncBook", book))
    clock = FixedClock(story.now + timedelta(hours=2))
    services = {"production": cast("Service", office)}
    deadlines = Deadlines(runbook=story.runbook, services=services, clock=clock)

    await deadlines.look("production", services["production"])

    entries = await book.book.entries(story.state.id)
    assert entries[-1].event == e.Expired(verb="drop_kept")
    assert deadlines.rounds.failing == ("clock production/RB-0",)


class Speechless(FakeChat):
    """A chat that cannot draw its first cards, for a reason nobody foresaw."""

    refuses = 2

    async def post(self, address: Address, card: Card, delivery_id: str) -> MessageRef:
        if self.refuses:
            self.refuses -= 1
            raise KeyError(delivery_id)
        return await super().post(address, card, delivery_id)


async def test_a_card_that_fails_is_drawn_at_the_next_round() -> None:
    """A rollback that cannot be read, a card that cannot be sent: the relay goes on with both."""
    story, chat, rounds = executing(), Speechless(), Rounds()
    office = Office(cast("AsyncBook", Unreadable((await told(story)).book)))
    relay = Relay(
        chat=chat,
        runbook=story.runbook,
        services={"production": cast("Service", office)},
        clock=FixedClock(story.now),
        rounds=rounds,
    )

    async def drawn() -> None:
        async with chat.changed:
            await chat.changed.wait_for(lambda: bool(chat.posts))

    await alive_while(relay.run(), drawn())
    assert "follow production/RB-0 to console" in rounds.failing


async def test_a_terminals_relay_ends_with_what_nobody_expected() -> None:
    """Somebody sits before it and waits: no log and no figure would tell them."""
    story = executing()
    book = cast("AsyncBook", Unreadable((await told(story)).book))
    services = {"production": cast("Service", Office(book))}
    relay = Relay(
        chat=FakeChat(), runbook=story.runbook, services=services, clock=FixedClock(story.now)
    )

    with pytest.raises(ExceptionGroup):
        await asyncio.wait_for(relay.run(), WITHIN_S)


def test_what_failed_long_ago_fails_no_more() -> None:
    """A rollback that nobody looks at any more does not keep the bot from being well."""
    now = [0.0]
    rounds = Rounds(now=lambda: now[0])
    with rounds.survived("clock", "production/RB-1"):
        int("no number")
    assert rounds.failing

    now[0] += FAILS_FOR_S + 1

    assert not rounds.failing
