"""The incident channel of the demo: a desk and a relay for the terminal, beside the bot process."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Literal

from bot.desk import Desk
from bot.main import SystemClock
from bot.relay import Relay
from commands.domain.conversation import Button, Incoming
from commands.domain.people import Identity
from commands.domain.runbook import Channel, Runbook
from commands.handlers import Service
from commands.store.opening import open_async_store
from rollbot.demo.people import Actor
from rollbot.demo.runbook_file import CHANNEL, ENVIRONMENT
from rollbot.demo.transcript import Transcript
from rollbot.demo.world import World

# The relay hears of a new entry at once, and looks at what is to be sent every 0.1 s.
_NOTICED_S = 0.15


@dataclass(frozen=True, slots=True)
class IncidentChannel:
    """Where the demo's people speak. Nobody is authenticated: it exists in the demo only."""

    desk: Desk
    relay: Relay
    transcript: Transcript

    async def say(self, actor: Actor, words: str) -> None:
        """Somebody says `/rollback <words>`; returns when they were answered."""
        self.transcript.said(actor.name, f"/rollback {words}")
        await self._accept(actor, "words", words)

    async def press(self, actor: Actor, button: Button) -> None:
        """Somebody presses a button; returns when they were answered."""
        self.transcript.said(actor.name, f"[{button.label}]")
        await self._accept(actor, "button", button.value)

    async def _accept(self, actor: Actor, kind: Literal["words", "button"], words: str) -> None:
        incoming = Incoming(
            delivery_id=f"demo-{uuid.uuid4().hex}",
            kind=kind,
            words=words,
            identity=Identity(platform="console", user=actor.id),
            display_name=actor.name,
            home=Channel(platform="console", channel=CHANNEL),
            received_at=SystemClock().now(),
        )
        await self.desk.accept(incoming)
        await self.desk.drain()

    async def settled(self) -> None:
        """Wait until the cards show what the journal says."""
        await asyncio.sleep(_NOTICED_S)
        await self.relay.settled()


@contextlib.asynccontextmanager
async def opened(
    world: World, runbook: Runbook, transcript: Transcript
) -> AsyncIterator[IncidentChannel]:
    """Open the channel; on leaving, the last cards are printed before it closes."""
    store = open_async_store(world.access())
    services = {ENVIRONMENT: Service(store=store, clock=SystemClock())}
    desk = Desk(runbook=runbook, services=services, clock=SystemClock())
    desk.chats[transcript.platform] = transcript
    relay = Relay(
        chat=transcript, runbook=runbook, services=services, clock=SystemClock(), keep=False
    )
    following = asyncio.create_task(relay.run())
    try:
        channel = IncidentChannel(desk, relay, transcript)
        yield channel
        await channel.settled()
    finally:
        following.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await following
        await store.client.aclose()
