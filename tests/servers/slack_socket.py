"""Socket Mode from Slack's side: tickets, envelopes, acknowledgements, refreshes.

docs.slack.dev/apis/events-api/using-socket-mode (November 2026).
"""

from __future__ import annotations

import copy
import json
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass

from aiohttp import WSMsgType, web

from tests.servers.slack_world import APP, PATIENCE_S, Json, World

ACK_WITHIN_S = 15.0
"""Slack's is 3 s: five times as long, since a busy test machine is not Slack's impatience."""


@dataclass(slots=True)
class Delivery:
    """One envelope that was sent to the app, and what came back."""

    envelope: Json
    sent_at: float
    """Monotonic seconds."""
    ack_after_s: float | None = None
    ack_payload: Json | None = None
    acks: int = 0

    @property
    def payload(self) -> Json:
        payload: Json = self.envelope["payload"]
        return payload

    @property
    def acked(self) -> bool:
        return self.ack_after_s is not None


class Socket:
    """The websocket side of the stand-in."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._tickets: set[str] = set()
        self.connections: list[web.WebSocketResponse] = []
        self.deliveries: list[Delivery] = []

    @property
    def connected(self) -> bool:
        """Whether the app holds a connection."""
        return bool(self.connections)

    def new_ticket(self) -> str:
        """A ticket opens one connection."""
        ticket = uuid.uuid4().hex
        self._tickets.add(ticket)
        return ticket

    def void(self, request: web.Request) -> None:
        """The ticket is used up although no connection came of it."""
        self._tickets.discard(request.query.get("ticket", ""))

    async def serve(self, request: web.Request) -> web.StreamResponse:
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            return web.Response(status=408, text="expired ticket")
        self._tickets.remove(ticket)
        connection = web.WebSocketResponse(heartbeat=None)
        await connection.prepare(request)
        await connection.send_json(self._hello())
        self.connections.append(connection)
        self._world.touch()
        try:
            async for message in connection:
                if message.type == WSMsgType.TEXT:
                    self._acknowledged(json.loads(message.data))
        finally:
            self.connections.remove(connection)
            self._world.touch()
        return connection

    async def send(self, kind: str, payload: Json, *, wait_s: float = PATIENCE_S) -> Delivery:
        """Deliver a new envelope on one of the connections; waits for the acknowledgement."""
        envelope = {
            "envelope_id": str(uuid.uuid4()),
            "type": kind,
            "accepts_response_payload": True,
            "payload": payload,
        }
        return await self.deliver(envelope, wait_s=wait_s)

    async def deliver(self, envelope: Json, *, wait_s: float = PATIENCE_S) -> Delivery:
        """Send these very bytes, now or when the app has connected within `wait_s`."""
        await self._world.wait_for(lambda: self.connections, wait_s)
        delivery = Delivery(envelope, time.monotonic())
        self.deliveries.append(delivery)
        await self.connections[-1].send_str(json.dumps(envelope))
        # Who has died with the envelope in its hands acknowledges it no more.
        over = lambda: delivery.acked or not self.connections  # noqa: E731
        with suppress(TimeoutError):
            await self._world.wait_for(over, ACK_WITHIN_S)
        if not delivery.acked:
            self._world.violation(f"no ack within {ACK_WITHIN_S} s: {envelope['type']}")
        return delivery

    async def again(self, delivery: Delivery, *, wait_s: float = PATIENCE_S) -> Delivery:
        """The identical envelope once more."""
        return await self.deliver(copy.deepcopy(delivery.envelope), wait_s=wait_s)

    async def refresh(self) -> None:
        """What Slack does every few hours: asks the app to come by another connection."""
        for connection in list(self.connections):
            await connection.send_json({"type": "disconnect", "reason": "refresh_requested"})

    async def drop(self) -> None:
        """All connections break."""
        for connection in list(self.connections):
            await connection.close(code=1001)

    def _hello(self) -> Json:
        return {
            "type": "hello",
            "num_connections": len(self.connections) + 1,
            "debug_info": {"host": "applink-1", "approximate_connection_time": 18060},
            "connection_info": {"app_id": APP},
        }

    def _acknowledged(self, said: Json) -> None:
        waiting = [d for d in self.deliveries if d.envelope["envelope_id"] == said["envelope_id"]]
        if not waiting:
            self._world.violation(f"ack of an unknown envelope {said['envelope_id']}")
            return
        delivery = next((d for d in reversed(waiting) if not d.acked), waiting[-1])
        delivery.acks += 1
        if delivery.acks > 1:
            self._world.violation(f"envelope {said['envelope_id']} acked {delivery.acks} times")
        if not delivery.acked:
            delivery.ack_after_s = time.monotonic() - delivery.sent_at
            delivery.ack_payload = said.get("payload") or None
        self._world.touch()
