"""Posts carry the id of their delivery, so that one whose answer was lost is found again.

Metadata is invisible to people: docs.slack.dev/messaging/message-metadata (November 2026).
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.slack.wire import Wire, code_of

log = logging.getLogger(__name__)

EVENT_TYPE = "rollbot_delivery"
PAGES_MAX = 3
PAGE = 200
# Reading is not allowed, or there is nothing to read; then posting is tried without a look.
_NOTHING_TO_SEE = frozenset({"missing_scope", "not_in_channel", "no_permission"})


def metadata(delivery_id: str) -> dict[str, Any]:
    """What a post carries."""
    return {"event_type": EVENT_TYPE, "event_payload": {"id": delivery_id}}


async def sent_before(
    wire: Wire, channel: str, thread: str, delivery_id: str, frozen: Collection[str] = ()
) -> str | None:
    """The `ts` of the message that carries this delivery id; None when it was never sent.

    Messages in `frozen` (by `ts`) do not count: they can no longer be edited.

    Looked for before every post: after a restart nobody knows whether the id was tried before,
    and posts are few. Looks back over 600 messages. Raises SlackApiError.
    """
    cursor = ""
    for _ in range(PAGES_MAX):
        try:
            page = await _page(wire, channel, thread, cursor)
        except SlackApiError as error:
            if code_of(error) not in _NOTHING_TO_SEE | {"thread_not_found"}:
                raise
            log.warning("cannot look for earlier posts: %s", code_of(error))
            return None
        for message in page["messages"]:
            if _delivery_of(message) == delivery_id and message["ts"] not in frozen:
                return str(message["ts"])
        cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
        if not cursor:
            break
    return None


async def _page(wire: Wire, channel: str, thread: str, cursor: str) -> AsyncSlackResponse:
    if thread:
        return await wire.cards.conversations_replies(
            channel=channel,
            ts=thread,
            cursor=cursor or None,
            limit=PAGE,
            include_all_metadata=True,
        )
    return await wire.cards.conversations_history(
        channel=channel, cursor=cursor or None, limit=PAGE, include_all_metadata=True
    )


def _delivery_of(message: dict[str, Any]) -> str | None:
    found = message.get("metadata") or {}
    if found.get("event_type") != EVENT_TYPE:
        return None
    payload: dict[str, Any] = found.get("event_payload") or {}
    return payload.get("id")
