"""Socket Mode: the app comes to Slack, so nothing of ours listens to the internet.

docs.slack.dev/apis/events-api/using-socket-mode; slack_bolt 1.30, slack_sdk 3.47.
"""

from __future__ import annotations

import asyncio
import logging

from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.slack.listener import Listener
from bot.slack.standing import People
from bot.slack.wire import Wire, translated, vendor_log
from commands.domain.errors import ChatError
from commands.settings import SlackSettings

log = logging.getLogger(__name__)

PING_S = 3.0
RETRY_S = 3.0
START_WITHIN_S = 15.0
# Waiting mends none of these.
_REFUSED = frozenset(
    {
        "account_inactive",
        "invalid_auth",
        "missing_scope",
        "not_allowed_token_type",
        "not_authed",
        "token_expired",
        "token_revoked",
    }
)


class Connection:
    """Keeps the app connected from `start` to `stop`."""

    def __init__(
        self, settings: SlackSettings, wire: Wire, listener: Listener, people: People
    ) -> None:
        self._settings, self._wire = settings, wire
        self._listener, self._people = listener, people
        self._handler: AsyncSocketModeHandler | None = None
        self._running: asyncio.Task[None] | None = None
        self._connected = asyncio.Event()

    async def start(self) -> None:
        """Come up. While Slack is away it goes on trying, and returns after 15 s.

        Raises ChatError when Slack refuses a token: that does not mend itself.
        """
        await self._wire.open()
        self._running = asyncio.ensure_future(self._run())
        up = asyncio.ensure_future(self._connected.wait())
        await asyncio.wait(
            {up, self._running}, timeout=START_WITHIN_S, return_when=asyncio.FIRST_COMPLETED
        )
        up.cancel()
        if self._running.done():
            await self._wire.close()
            self._running.result()

    async def stop(self) -> None:
        """Leave; what was accepted is handled after the next start. Safe to repeat."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait({self._running})
        if self._handler is not None:
            await self._handler.close_async()  # type: ignore[no-untyped-call]
        await self._listener.stop()
        await self._wire.close()

    async def _run(self) -> None:
        me = await self._introduced()
        self._people.team = str(me["team_id"])
        app = self._app(me)
        self._listener.register(app)
        token = self._settings.app_token.get_secret_value()
        self._handler = AsyncSocketModeHandler(
            app, token, logger=vendor_log(), web_client=self._wire.events, ping_interval=PING_S
        )
        self._handler.client.wss_uri = await self._ticket()
        await self._handler.connect_async()  # type: ignore[no-untyped-call]
        log.info("connected to Slack workspace %s", me["team_id"])
        self._connected.set()
        await self._renew_tickets(self._handler)

    async def _introduced(self) -> AsyncSlackResponse:
        while True:
            try:
                with translated():
                    return await self._wire.cards.auth_test()
            except ChatError as error:
                await self._wait_or_give_up(error)

    async def _ticket(self) -> str:
        """An address for one connection; asked for here so that a wrong token is found at start."""
        while True:
            try:
                with translated():
                    token = self._settings.app_token.get_secret_value()
                    opened = await self._wire.cards.apps_connections_open(app_token=token)
                    return str(opened["url"])
            except ChatError as error:
                await self._wait_or_give_up(error)

    async def _renew_tickets(self, handler: AsyncSocketModeHandler) -> None:
        """Never try an old ticket for ever.

        The library keeps the address of a connection that failed, and repeats it although a ticket
        opens one connection and soon expires; without an address it asks for a new one.
        """
        while True:
            await asyncio.sleep(PING_S)
            if not await handler.client.is_connected():
                handler.client.wss_uri = None

    async def _wait_or_give_up(self, error: ChatError) -> None:
        if error.why in _REFUSED:
            raise error
        log.warning("Slack does not answer: %s", error)
        await asyncio.sleep(error.retry_after_s or RETRY_S)

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
            # Socket Mode carries no signatures: the connection itself was authenticated.
            request_verification_enabled=False,
        )
