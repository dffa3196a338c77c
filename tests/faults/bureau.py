"""A desk on a real Redis, people who speak to it, and a worker on an engine in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import redis

from bot.desk import Desk
from commands.domain import events as e
from commands.domain.conversation import Incoming, Standing
from commands.domain.events import AnyEvent
from commands.domain.people import Identity
from commands.domain.runbook import Channel
from commands.domain.state import RollbackState
from commands.handlers import Service
from commands.store.journal import Journal
from commands.store.mirror import Mirror
from commands.store.opening import Access, AsyncStore, open_async_store
from tests.engines.redis_server import RedisServer
from tests.fakes.chat import FakeChat
from tests.unit.steps.world import world
from tests.unit.workers.office import HOME, KEY, Office, identity
from workers.executor import Executor

T = TypeVar("T")
SERVICES = ("api", "worker", "frontend")


@dataclass
class Hall(Office):
    """The office with its journal on a real Redis, and the worker host's mirror."""

    server: RedisServer = field(kw_only=True)
    state_dir: Path = field(kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.access = Access(
            environment="production", redis_url=self.server.url, key=KEY, state_dir=self.state_dir
        )
        self.client = redis.Redis.from_url(self.server.url)

    def journal(self) -> Any:
        return Journal(self.client, self.access.codec())

    def worker(self) -> Executor:
        worker = super().worker()
        worker.book.mirror = Mirror(self.state_dir / "worker", "production")
        return worker

    def jobs(self) -> int:
        """How many jobs wait for a worker."""
        return self.client.llen("rq:queue:rollbot-production")


@dataclass
class Bureau:
    """One bot process after another over the same Redis. `bot` makes a fresh one."""

    hall: Hall
    desk: Desk = field(init=False)
    chat: FakeChat = field(init=False)
    spoken: int = 0
    stores: list[AsyncStore] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.bot()

    def bot(self) -> Desk:
        """A bot that was just started."""
        clock = self.hall.world.clock
        store = open_async_store(self.hall.access)
        self.stores.append(store)
        service = Service(store=store, clock=clock)
        self.chat = FakeChat(platform="slack")
        self.desk = Desk(runbook=self.hall.bots, services={"production": service}, clock=clock)
        self.desk.chats["slack"] = self.chat
        return self.desk

    async def close(self) -> None:
        """Let every connection go."""
        for store in self.stores:
            await store.client.aclose()
        self.hall.client.close()

    def incoming(self, person: str, words: str, **more: Any) -> Incoming:
        """What a listener hands in; every one is another delivery unless said otherwise."""
        self.spoken += 1
        given: dict[str, Any] = {
            "delivery_id": f"d{self.spoken}",
            "kind": "words",
            "words": words,
            "identity": identity(person),
            "home": HOME,
            "received_at": self.hall.world.clock.now(),
        }
        return Incoming.model_validate(given | more)

    async def say(self, person: str, words: str, **more: Any) -> str:
        """Hand words in and wait for the answer to the asker."""
        return await self.hand_in(self.incoming(person, words, **more))

    async def hand_in(self, incoming: Incoming) -> str:
        await self.desk.accept(incoming)
        await self.desk.drain()
        return self.heard(incoming)

    async def press(self, person: str, verb: str, rollback: str, nonce: str = "") -> str:
        """Press a button as the newest card has it."""
        question = self.hall.state(rollback).question
        nonce = nonce or (question.nonce if question else "0")
        value = f"{verb}:production:{rollback}:{nonce}"
        return await self.say(person, value, kind="button")

    def heard(self, incoming: Incoming) -> str:
        """What the sender was told in private; "" when nothing."""
        cards = [card for to, card in self.chat.whispers if to.delivery_id == incoming.delivery_id]
        return cards[-1].plain if cards else ""

    async def planned(self, words: str = "api v1.2.3", by: str = "anna") -> str:
        """Asked for, and planned by the worker."""
        before = self.numbers()
        await self.say(by, words)
        (rollback,) = (f"RB-{n}" for n in self.numbers() if n not in before)
        await self.drive(rollback)
        return rollback

    async def drive(self, rollback: str) -> RollbackState:
        """A worker's job."""
        return await asyncio.to_thread(self.hall.drive, rollback)

    def environment(self) -> list[AnyEvent]:
        return [entry.event for entry in self.hall.journal().read("env")]

    def numbers(self) -> list[int]:
        """Every number that was given out, in order."""
        return [x.number for x in self.environment() if isinstance(x, e.RollbackOpened)]

    def refusals(self) -> list[e.Refused]:
        """Everything that the audit knows of what was not allowed."""
        names = [f"RB-{n}" for n in self.numbers()]
        said = [x for name in names for x in self.hall.events(name)] + self.environment()
        return [x for x in said if isinstance(x, e.Refused)]


def bureau(server: RedisServer, directory: Path) -> Bureau:
    """On-call, commanders and a CTO in one channel; api, worker and frontend at v1.3.0."""
    hall = Hall(world(*SERVICES, channels=(HOME,)), server=server, state_dir=directory / "state")
    return Bureau(hall)


async def at_once(*said: Coroutine[Any, Any, T]) -> list[T]:
    """Everything at the same moment."""
    return list(await asyncio.gather(*said))


def stranger(user: str = "U0NOBODY") -> Identity:
    """An account that the runbook does not know."""
    return Identity(platform="slack", workspace="T0", user=user)


NOT_MEMBERS = tuple(s for s in Standing if s is not Standing.MEMBER)
OTHER_CHANNEL = Channel(platform="slack", workspace="T0", channel="C0ELSEWHERE")
