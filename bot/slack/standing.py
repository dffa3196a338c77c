"""What Slack says of a person: member, guest, or stranger of a shared channel.

`users.info` (docs.slack.dev/reference/objects/user-object): `is_restricted` is a guest,
`is_stranger` or another `team_id` somebody of another workspace. Display names prove nothing.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bot.slack.wire import PLATFORM, Wire, translated
from commands.domain.conversation import Standing
from commands.domain.people import Identity
from commands.ports import Clock

FRESH = timedelta(minutes=10)
USABLE = timedelta(hours=12)
"""How long an old answer still counts when Slack gives no new one."""
LOOK_S = 1.2
KEPT_MAX = 5000
ENTERPRISE = "E"
"""In an Enterprise organisation some events name it, `E…`, instead of the workspace."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sent something, by Slack's word."""

    identity: Identity
    standing: Standing
    name: str


class People:
    """Looks people up, and remembers them for a while. `team` is our workspace, set at start."""

    def __init__(self, wire: Wire, clock: Clock) -> None:
        self._wire, self._clock = wire, clock
        self.team = ""
        self._known: dict[str, tuple[Sender, datetime]] = {}

    def member(self, user: str) -> Identity:
        """Somebody of our workspace, by id alone: for choosing a language, never for a right."""
        return Identity(platform=PLATFORM, workspace=self.team, user=user)

    async def sender(self, user: str, team: str) -> Sender:
        """Who this is. `team` is the workspace that the event names for them.

        Raises ChatError when Slack does not say and nothing is remembered: nobody is taken for
        a member without Slack's word.
        """
        if team and team != self.team and not team.startswith(ENTERPRISE):
            return _stranger(user, team)
        known, seen_at = self._known.get(user, (None, None))
        now = self._clock.now()
        if known and seen_at and now - seen_at < FRESH:
            return known
        try:
            found = await self._look(user)
        except Exception:
            if known and seen_at and now - seen_at < USABLE:
                return known
            raise
        while len(self._known) >= KEPT_MAX:
            self._known.pop(next(iter(self._known)))
        self._known[user] = (found, now)
        return found

    async def _look(self, user: str) -> Sender:
        with translated():
            async with asyncio.timeout(LOOK_S):
                answer = await self._wire.cards.users_info(user=user)
        return _sender(answer["user"], self.team)


def _sender(info: dict[str, Any], home_team: str) -> Sender:
    team = info.get("team_id") or home_team
    if info.get("is_stranger") or team != home_team:
        return _stranger(info["id"], team)
    standing = Standing.MEMBER
    if info.get("is_bot") or info["id"] == "USLACKBOT":
        standing = Standing.BOT
    elif info.get("is_restricted") or info.get("is_ultra_restricted"):
        standing = Standing.GUEST
    profile = info.get("profile") or {}
    name = profile.get("display_name") or profile.get("real_name") or info.get("name") or ""
    identity = Identity(platform=PLATFORM, workspace=home_team, user=info["id"])
    return Sender(identity, standing, name)


def _stranger(user: str, team: str) -> Sender:
    identity = Identity(platform=PLATFORM, workspace=team, user=user)
    return Sender(identity, Standing.STRANGER, "")
