"""Block Kit's text objects and the section, never empty and never too long."""

from __future__ import annotations

from typing import Any

from bot.slack.markup import fit

Json = dict[str, Any]

BLANK = "–"
"""Stands where Slack refuses an empty text."""


def section(text: str) -> Json:
    """A section of ready-made `mrkdwn`."""
    return {"type": "section", "text": marked(text)}


def marked(text: str) -> Json:
    """A text object of ready-made `mrkdwn`."""
    # verbatim: else Slack would make mentions and links out of bare words on its own.
    return {"type": "mrkdwn", "text": text.strip() or BLANK, "verbatim": True}


def plain(text: str, limit: int) -> Json:
    """A text object that shows what it is given, cut to `limit`."""
    return {"type": "plain_text", "text": fit(text, limit).strip() or BLANK, "emoji": True}
