"""HTTP mode: Slack comes to us, by one address, and signs what it brings.

docs.slack.dev/authentication/verifying-requests-from-slack (November 2026). The signature is looked
at here and not by slack_bolt (1.30): that one fails on a signature or a time that is no ASCII or no
number, and logs the bodies of what it refuses.
"""

from __future__ import annotations

import hmac
import logging
from hashlib import sha256

from pydantic import SecretStr
from slack_bolt.adapter.starlette.async_handler import AsyncSlackRequestHandler
from slack_bolt.async_app import AsyncApp
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from commands.ports import Clock

log = logging.getLogger(__name__)

PATH = "/slack/events"
TOLERANCE_S = 300
_VERSION = "v0"
_TIME_DIGITS_MAX = 12


class Door:
    """`POST /slack/events`. Closed (503) until the app behind it is there."""

    def __init__(self, secret: SecretStr, clock: Clock) -> None:
        self._secret, self._clock = secret, clock
        self._handler: AsyncSlackRequestHandler | None = None

    @property
    def route(self) -> Route:
        """To be put into the bot's web app."""
        return Route(PATH, self._come_in, methods=["POST"])

    @property
    def is_open(self) -> bool:
        """Whether somebody hears what comes in."""
        return self._handler is not None

    def open(self, app: AsyncApp) -> None:
        """From now on what comes in is heard by `app`."""
        self._handler = AsyncSlackRequestHandler(app)

    def close(self) -> None:
        """Safe to repeat."""
        self._handler = None

    async def _come_in(self, request: Request) -> Response:
        body = await request.body()
        why = self._doubt(request, body)
        if why:
            log.warning("a request to %s is refused: %s", PATH, why)
            return Response(status_code=401)
        if self._handler is None:
            return Response(status_code=503)
        return await self._handler.handle(request)

    def _doubt(self, request: Request, body: bytes) -> str:
        """Why it may not be from Slack, in words without any of its own; empty when it is."""
        # Header values come as latin-1 text, whatever bytes they were.
        given = request.headers.get("x-slack-signature", "").encode("latin-1")
        sent_at = request.headers.get("x-slack-request-timestamp", "")
        if not given or not sent_at:
            return "it is not signed"
        if not (sent_at.isascii() and sent_at.isdigit() and len(sent_at) <= _TIME_DIGITS_MAX):
            return "its time is not a number"
        if abs(self._clock.now().timestamp() - int(sent_at)) > TOLERANCE_S:
            return f"it was signed more than {TOLERANCE_S} s before or after our clock"
        expected = signature(self._secret.get_secret_value(), sent_at, body)
        return "" if hmac.compare_digest(expected.encode(), given) else "its signature is wrong"


def signature(secret: str, sent_at: str, body: bytes) -> str:
    """What Slack puts into `X-Slack-Signature`; `sent_at` in Unix seconds."""
    signed = f"{_VERSION}:{sent_at}:".encode() + body
    return f"{_VERSION}={hmac.new(secret.encode(), signed, sha256).hexdigest()}"
