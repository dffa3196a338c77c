"""The bot process: composition root. Listens, decides, relays, watches deadlines.

Holds chat tokens; never touches Docker or a database. Only what is configured is imported.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

import structlog
from starlette.routing import Route

from bot.clock import Deadlines
from bot.desk import Desk
from bot.pauses import Pauses
from bot.relay import Relay
from bot.web import Health, maintenance, serve
from commands.domain.errors import ChatError, StoreError
from commands.domain.runbook import Runbook
from commands.handlers import Service
from commands.ports import Chat
from commands.settings import Settings
from commands.store.opening import Access, open_async_store

log = structlog.get_logger()

CONNECT_AGAIN_S = 5.0


class Connected(Protocol):
    """A platform that can be started and stopped."""

    @property
    def chat(self) -> Chat: ...

    @property
    def start(self) -> Callable[[], Awaitable[None]]: ...

    @property
    def stop(self) -> Callable[[], Awaitable[None]]: ...

    @property
    def is_well(self) -> Callable[[], bool]: ...

    @property
    def routes(self) -> tuple[Route, ...]: ...


@dataclass(frozen=True, slots=True)
class SystemClock:
    """The machine's clock, UTC."""

    def now(self) -> datetime:
        """UTC, aware."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Never on the event loop. Raises RuntimeError."""
        raise RuntimeError(f"the bot does not block for {seconds} s")


def open_services(settings: Settings, runbook: Runbook) -> dict[str, Service]:
    """Every environment of the runbook that this process has a key for. Raises SettingsError."""
    names = settings.served or tuple(runbook.environments)
    clock = SystemClock()
    return {
        name: Service(store=open_async_store(Access.of(settings, name)), clock=clock)
        for name in names
    }


@dataclass(slots=True, kw_only=True)
class Bot:
    """Everything one bot process runs."""

    settings: Settings
    runbook: Runbook
    services: dict[str, Service]
    desk: Desk
    health: Health = field(default_factory=Health)

    @classmethod
    def build(cls, settings: Settings, runbook: Runbook) -> Bot:
        """Put it together; nothing is connected yet. Raises SettingsError."""
        services = open_services(settings, runbook)
        desk = Desk(runbook=runbook, services=services, clock=SystemClock())
        return cls(settings=settings, runbook=runbook, services=services, desk=desk)

    async def run(self, ready: Callable[[], None] = lambda: None) -> None:
        """Work until SIGTERM or SIGINT; `ready` is called once everything was started."""
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        platforms = tuple(self._platforms())
        self.desk.chats.update({p.chat.platform: p.chat for p in platforms})
        self.health.chats.update({p.chat.platform: p.is_well for p in platforms})
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(job) for job in self._jobs(platforms)]
            ready()
            await stop.wait()
            log.info("bot_stopping")
            for platform in platforms:
                await platform.stop()
            for task in running:
                task.cancel()

    def _jobs(self, platforms: tuple[Connected, ...]) -> Iterator[Coroutine[None, None, None]]:
        pauses, rounds = Pauses(), self.health.rounds
        yield Deadlines(
            runbook=self.runbook,
            services=self.services,
            clock=SystemClock(),
            pauses=pauses,
            rounds=rounds,
        ).run()
        yield self._resume()
        routes = [route for platform in platforms for route in platform.routes]
        doors = [maintenance(self.runbook.language), *routes]
        yield serve(self.health, self.settings.listen, doors)
        for platform in platforms:
            yield self._connect(platform)
            yield Relay(
                chat=platform.chat,
                runbook=self.runbook,
                services=self.services,
                clock=SystemClock(),
                pauses=pauses,
                rounds=rounds,
            ).run()

    def _platforms(self) -> Iterable[Connected]:
        clock = SystemClock()
        if self.settings.slack is not None:
            from bot import slack

            yield slack.connect(self.settings.slack, self.desk, clock)
        if self.settings.telegram is not None:
            from bot import telegram

            yield telegram.connect(self.settings.telegram, self.desk, clock)

    async def _connect(self, platform: Connected) -> None:
        """One chat that is down must not keep the other from working."""
        name = platform.chat.platform
        while True:
            with self.health.rounds.survived("connect", name):
                try:
                    await platform.start()
                except ChatError as error:
                    log.warning("chat_not_connected", platform=name, why=str(error))
                else:
                    log.info("chat_connected", platform=name)
                    return
            await asyncio.sleep(CONNECT_AGAIN_S)

    async def _resume(self) -> None:
        while True:
            with self.health.rounds.survived("resume", "the inbox"):
                try:
                    await self.desk.resume()
                except StoreError as error:
                    self.health.store = False
                    log.warning("bot_waits_for_store", why=str(error))
                else:
                    self.health.store = True
                    return
            await asyncio.sleep(1.0)
