"""HTTP mode from Slack's side: signed requests to the app's Request URL, retries, replays.

docs.slack.dev/authentication/verifying-requests-from-slack and
docs.slack.dev/interactivity/implementing-slash-commands (November 2026).
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from urllib.parse import urlencode

import aiohttp

from tests.servers.slack_socket import ACK_WITHIN_S, Delivery
from tests.servers.slack_world import PATIENCE_S, Json, World

AGAIN_S = 0.05
FORM = "application/x-www-form-urlencoded"


@dataclass(slots=True)
class HttpDelivery(Delivery):
    """One event that was sent by HTTP, with the request as it went over the line."""

    body: bytes = b""
    headers: Mapping[str, str] | None = None
    status: int = 0


class RequestUrl:
    """Sends to one address. `now` may be moved: it says when Slack signs."""

    def __init__(self, world: World, url: str, secret: str) -> None:
        self._world, self.url, self._secret = world, url, secret
        self.signed_ago_s = 0

    async def send(self, kind: str, payload: Json, *, wait_s: float = PATIENCE_S) -> HttpDelivery:
        """A new event, asked for until the app is there; waits for the acknowledgement."""
        fields = payload if kind == "slash_commands" else {"payload": json.dumps(payload)}
        body = urlencode(fields).encode()
        delivery = HttpDelivery({"type": kind, "payload": payload}, time.monotonic(), body=body)
        delivery.headers = self.signed(body)
        return await self._delivered(delivery, wait_s)

    async def again(self, delivery: Delivery, *, wait_s: float = PATIENCE_S) -> HttpDelivery:
        """The identical request, signature and all: what somebody who saw it could send."""
        assert isinstance(delivery, HttpDelivery)
        copy = HttpDelivery(delivery.envelope, time.monotonic(), body=delivery.body)
        copy.headers = delivery.headers
        return await self._delivered(copy, wait_s)

    async def retried(self, delivery: Delivery, number: int) -> HttpDelivery:
        """What Slack does when it did not hear our answer: signs anew and counts."""
        assert isinstance(delivery, HttpDelivery)
        copy = HttpDelivery(delivery.envelope, time.monotonic(), body=delivery.body)
        count = {"X-Slack-Retry-Num": str(number), "X-Slack-Retry-Reason": "http_timeout"}
        copy.headers = {**self.signed(copy.body), **count}
        return await self._delivered(copy, PATIENCE_S)

    async def status(self, body: bytes, headers: Mapping[str, str]) -> int:
        """What any request at all is answered with."""
        async with (
            aiohttp.ClientSession() as session,
            session.post(self.url, data=BytesIO(body), headers=headers) as answer,
        ):
            return answer.status

    def signed(self, body: bytes, at: float | None = None) -> dict[str, str]:
        """Headers that Slack sends with a body."""
        stamp = str(int(time.time() - self.signed_ago_s if at is None else at))
        whole = b"v0:" + stamp.encode() + b":" + body
        signature = hmac.new(self._secret.encode(), whole, hashlib.sha256).hexdigest()
        return {
            "Content-Type": FORM,
            "X-Slack-Request-Timestamp": stamp,
            "X-Slack-Signature": f"v0={signature}",
        }

    async def _delivered(self, delivery: HttpDelivery, wait_s: float) -> HttpDelivery:
        async with aiohttp.ClientSession() as session, asyncio.timeout(wait_s + ACK_WITHIN_S):
            while not await self._posted(session, delivery):  # noqa: ASYNC110  # another process
                await asyncio.sleep(AGAIN_S)
        if delivery.ack_after_s is not None and delivery.ack_after_s > ACK_WITHIN_S:
            self._world.violation(f"no ack within {ACK_WITHIN_S} s: {delivery.envelope['type']}")
        return delivery

    async def _posted(self, session: aiohttp.ClientSession, delivery: HttpDelivery) -> bool:
        """False while nobody is there (refused, or 503 because it is not connected yet)."""
        sent_at = time.monotonic()
        try:
            async with session.post(
                self.url, data=delivery.body, headers=delivery.headers
            ) as answer:
                said, delivery.status = await answer.read(), answer.status
        except aiohttp.ClientConnectorError:
            return False
        except aiohttp.ClientError:
            return True  # it died while it had our request in its hands
        if delivery.status == 503:
            return False
        if delivery.status == 200:
            delivery.acks, delivery.ack_after_s = 1, time.monotonic() - sent_at
            delivery.ack_payload = _answer(said)
            self._world.touch()
        return True


def _answer(said: bytes) -> Json | None:
    """An empty body is a plain acknowledgement; words alone are a command's answer."""
    if not said:
        return None
    try:
        answer: Json = json.loads(said)
    except ValueError:
        return {"text": said.decode()}
    return answer
