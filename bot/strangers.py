"""Accounts that the runbook does not name, where no channel is bound: answered now and then.

Anybody may find a bot on Telegram and write to it. What they say is in no journal, and what is
kept of them is one moment each, in memory.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from commands.domain.people import Identity

log = structlog.get_logger()

ANSWERED_EVERY = timedelta(hours=1)
REMEMBERED = 1_000
"""With so many of them within the hour, further ones are not answered at all."""


@dataclass(slots=True)
class Strangers:
    """Who was told, and when; the one told longest ago stands first."""

    _told_at: OrderedDict[Identity, datetime] = field(default_factory=OrderedDict)

    def is_due(self, who: Identity, now: datetime) -> bool:
        """Whether to answer them now. That counts as told: ask once, and only to answer."""
        while self._told_at and now - next(iter(self._told_at.values())) >= ANSWERED_EVERY:
            self._told_at.popitem(last=False)
        if who in self._told_at or len(self._told_at) >= REMEMBERED:
            return False
        self._told_at[who] = now
        log.info("stranger_turned_away", platform=who.platform, account=who.user)
        return True
