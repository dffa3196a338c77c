"""Socket Mode: the app comes to Slack, so nothing of ours listens to the internet; or HTTP mode.

docs.slack.dev/apis/events-api/using-socket-mode; slack_bolt 1.30, slack_sdk 3.47.
"""

from __future__ import annotations

import asyncio
import logging

from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.slack.door import Door
from bot.slack.listener import Listener
from bot.slack.standing import People
from bot.slack.wire import Wire, translated, vendor_log
from commands.domain.errors import ChatError
from commands.settings import SlackSettings

log = logging.getLogger(__name__)

PING_S = 3.0
START_WITHIN_S = 15.0


class Connection:
    """Keeps the app connected from `start` to `stop`."""

    def __init__(
        self,
        settings: SlackSettings,
        wire: Wire,
        listener: Listener,
        people: People,
        door: Door | None,
    ) -> None:
        self._settings, self._wire, self._door = settings, wire, door
        self._listener, self._people = listener, people
        self._is_connected = False
        self._handler: AsyncSocketModeHandler | None = None
        self._renewing: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Come up within 15 s; from then on an outage of Slack is waited out.

        Raises ChatError when Slack does not answer or refuses a token; it may then be started
        again.
        """
        await self._wire.open()
        try:
            with translated():
                async with asyncio.timeout(START_WITHIN_S):
                    await self._connect()
        except ChatError:
            await self.stop()
            raise

    def is_well(self) -> bool:
        """Whether Slack's words reach us now, as far as can be told from here."""
        return self._is_connected if self._door is None else self._door.is_open

    async def stop(self) -> None:
        """Leave; what was accepted is handled after the next start. Safe to repeat."""
        self._is_connected = False
        if self._door is not None:
            self._door.close()
        if self._renewing is not None:
            self._renewing.cancel()
            await asyncio.wait({self._renewing})
        if self._handler is not None:
            await self._handler.close_async()  # type: ignore[no-untyped-call] # the library's own
        await self._listener.stop()
        await self._wire.close()

    async def _connect(self) -> None:
        me = await self._wire.cards.auth_test()
        self._people.team = str(me["team_id"])
        app = self._app(me)
        self._listener.register(app)
        if self._settings.app_token is None:
            if self._door is not None:
                self._door.open(app)
        else:
            self._handler = await self._socket(app, self._settings.app_token.get_secret_value())
            self._is_connected = True
            self._renewing = asyncio.create_task(self._renew_tickets(self._handler))
        log.info("connected to Slack workspace %s", me["team_id"])

    async def _socket(self, app: AsyncApp, token: str) -> AsyncSocketModeHandler:
        # The first ticket is asked for here: the library would repeat a refused token for ever.
        ticket = await self._wire.cards.apps_connections_open(app_token=token)
        handler = AsyncSocketModeHandler(
            app, token, logger=vendor_log(), web_client=self._wire.events, ping_interval=PING_S
        )
        handler.client.wss_uri = str(ticket["url"])
        try:
            await handler.connect_async()  # type: ignore[no-untyped-call] # the library's own
        except BaseException:
            await handler.close_async()  # type: ignore[no-untyped-call] # the library's own
            raise
        return handler

    async def _renew_tickets(self, handler: AsyncSocketModeHandler) -> None:
        """Never try an old ticket for ever.

        The library keeps the address of a connection that failed, and repeats it although a ticket
        opens one connection and soon expires; without an address it asks for a new one.
        """
        while True:
            await asyncio.sleep(PING_S)
            self._is_connected = await handler.client.is_connected()
            if not self._is_connected:
                handler.client.wss_uri = None

    def _app(self, me: AsyncSlackResponse) -> AsyncApp:
        async def authorize() -> AuthorizeResult:
            return AuthorizeResult(
                enterprise_id=None,
                team_id=me["team_id"],
                bot_user_id=me["user_id"],
                bot_id=me["bot_id"],
                bot_token=self._settings.bot_token.get_secret_value(),
            )

        return AsyncApp(
            logger=vendor_log(),
            client=self._wire.events,
            authorize=authorize,
            # In Socket Mode the connection itself was authenticated; signatures are the door's.
            request_verification_enabled=False,
        )
