"""The line to Slack: clients, its errors in rollbot's words, its loggers kept from talking.

Sources: slack_sdk 3.47; docs.slack.dev/apis/web-api/rate-limits (November 2026).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.http_retry.async_handler import AsyncRetryHandler
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from commands.domain.errors import ChatError, ChatGoneError, ChatNoAccountError
from commands.settings import SlackSettings

PLATFORM: Final = "slack"
CALL_TIMEOUT_S = 10.0
NOT_EDITABLE = frozenset({"cant_update_message", "edit_window_closed"})
GONE = NOT_EDITABLE | {"channel_not_found", "is_archived", "message_not_found", "thread_not_found"}

# docs.slack.dev/reference/methods/conversations.open: errors that no repetition mends.
NOBODY = frozenset({"user_not_found", "user_disabled", "user_not_visible", "cannot_dm_bot"})


class _Terse(logging.Filter):
    """Leaves out tracebacks: while Slack is away its client logs one every few seconds.

    And Bolt's remark on SLACK_BOT_TOKEN, which it finds in the environment and does not need.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        record.exc_info = record.exc_text = None
        return "`token` will be unused" not in record.getMessage()


def vendor_log() -> logging.Logger:
    """The logger for Slack's libraries: warnings only, whatever the root says.

    Their INFO and DEBUG lines hold bodies of requests: commands, reasons, response URLs.
    """
    log = logging.getLogger("rollbot.slack.vendor")
    log.setLevel(logging.WARNING)
    if not log.filters:
        log.addFilter(_Terse())
    return log


class Wire:
    """Slack's Web API through one connection pool. Used between `open` and `close`.

    `cards` never repeats a call by itself: a post that is repeated blindly stands twice, and when
    to try again is the relay's to say (`ChatError.retry_after_s`). `asides` (private answers,
    look-ups) waits once as long as Slack asks for. `events` has no token of its own: a Bolt app
    that is given one asks Slack who it is before its first acknowledgement.
    """

    def __init__(self, settings: SlackSettings) -> None:
        token, log = settings.bot_token.get_secret_value(), vendor_log()
        self.cards = AsyncWebClient(token, settings.api_url, logger=log, retry_handlers=[])
        patient: list[AsyncRetryHandler] = [AsyncRateLimitErrorRetryHandler(max_retry_count=1)]
        self.asides = AsyncWebClient(token, settings.api_url, logger=log, retry_handlers=patient)
        self.events = AsyncWebClient(base_url=settings.api_url, logger=log, retry_handlers=[])
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Open the connection pool; needs a running loop."""
        timeout = aiohttp.ClientTimeout(total=CALL_TIMEOUT_S)
        self._session = aiohttp.ClientSession(timeout=timeout)
        self.cards.session = self.asides.session = self._session

    async def close(self) -> None:
        """Close the connection pool. Safe to repeat."""
        if self._session is not None:
            await self._session.close()

    def answer_to(self, response_url: str) -> AsyncWebhookClient:
        """A client for one response URL."""
        return AsyncWebhookClient(
            response_url, session=self._session, logger=vendor_log(), retry_handlers=[]
        )


def code_of(error: SlackApiError) -> str:
    """Slack's own name of an error (`channel_not_found`), or the HTTP status."""
    response = error.response
    data = getattr(response, "data", None)
    if isinstance(data, dict) and data.get("error"):
        return str(data["error"])
    status = getattr(response, "status_code", None) or getattr(response, "status", "?")
    return f"http_{status}"


@contextmanager
def translated() -> Iterator[None]:
    """Slack's and its network's errors as ChatError and ChatGoneError."""
    try:
        yield
    except SlackApiError as error:
        raise _in_our_words(error) from error
    except (SlackClientError, aiohttp.ClientError, TimeoutError, OSError) as error:
        raise ChatError(PLATFORM, type(error).__name__) from error


def _in_our_words(error: SlackApiError) -> ChatError:
    code = code_of(error)
    if code in GONE:
        return ChatGoneError(PLATFORM, code)
    if code in NOBODY:
        return ChatNoAccountError(PLATFORM, code)
    return ChatError(PLATFORM, code, _retry_after_s(error))


def _retry_after_s(error: SlackApiError) -> float | None:
    headers = getattr(error.response, "headers", None) or {}
    given = next((v for k, v in headers.items() if k.lower() == "retry-after"), None)
    return float(given) if given is not None and str(given).isdigit() else None
