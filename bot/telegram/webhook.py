"""The webhook: Telegram comes to us with each update, and with a secret that we gave it.

https://core.telegram.org/bots/api#setwebhook (November 2026). An update that is not answered with
200 is brought again, so 200 is said only when it was handed in.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from telegram import Update
from telegram.error import NetworkError
from telegram.ext import Application

from bot.telegram.listener import HEARD_KINDS
from commands.settings import WEBHOOK_PATH, Webhook

log = logging.getLogger(__name__)

SECRET_HEADER: Final = "x-telegram-bot-api-secret-token"  # noqa: S105  # a header's name
ONE_AT_A_TIME: Final = 1
"""Connections: what was said first is also heard first, as when polling."""

App = Application[Any, Any, Any, Any, Any, Any]


class WebhookDoor:
    """`POST /telegram/webhook`. Closed (503) while the application behind it does not run."""

    def __init__(self, webhook: Webhook) -> None:
        self._webhook = webhook
        self._app: App | None = None

    @property
    def route(self) -> Route:
        """To be put into the bot's web app."""
        return Route(WEBHOOK_PATH, self._come_in, methods=["POST"])

    @property
    def is_open(self) -> bool:
        """Whether Telegram was told to come, and somebody hears it."""
        return self._app is not None

    @asynccontextmanager
    async def opened(self, app: App) -> AsyncIterator[None]:
        """Telegram told to come, and heard by `app`. Raises the library's TelegramError.

        Afterwards Telegram is not told to stay away: what it brings meanwhile it brings again.
        """
        await app.bot.set_webhook(
            self._webhook.url,
            secret_token=self._webhook.secret.get_secret_value(),
            allowed_updates=HEARD_KINDS,
            max_connections=ONE_AT_A_TIME,
            drop_pending_updates=False,
        )
        self._app = app
        try:
            yield
        finally:
            self._app = None

    async def _come_in(self, request: Request) -> Response:
        # Header values come as latin-1 text, whatever bytes they were.
        said = request.headers.get(SECRET_HEADER, "").encode("latin-1")
        if not hmac.compare_digest(said, self._webhook.secret.get_secret_value().encode()):
            log.warning("a request to %s is refused: its secret is wrong", WEBHOOK_PATH)
            return Response(status_code=403)
        if self._app is None:
            return Response(status_code=503)
        try:
            update = Update.de_json(await request.json(), self._app.bot)
        except Exception:  # whatever is in it: the edge
            log.exception("an update cannot be read")
            return Response(status_code=400)
        return await self._hand_in(self._app, update)

    async def _hand_in(self, app: App, update: Update) -> Response:
        """`put` persists before it returns: see DurableQueue."""
        try:
            await app.update_queue.put(update)
        except NetworkError:
            return Response(status_code=503)
        return Response()
