"""Whom a message calls by a mention, so that a muted channel rings for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from commands.domain.people import Identity

Everybody: TypeAlias = Literal["", "channel", "here"]


@dataclass(frozen=True, slots=True)
class Call:
    """Everybody in the channel, by the platform's word for that; where it has none, `people`.

    Only a new message rings; an edit, and an answer to one person alone, never do. `people` are
    names with accounts of any platform: each renderer takes its own.
    """

    everybody: Everybody = ""
    people: tuple[tuple[str, Identity], ...] = ()

    def on(self, platform: str) -> tuple[tuple[str, str], ...]:
        """Names and account ids of one platform."""
        return tuple((name, one.user) for name, one in self.people if one.platform == platform)


NOBODY = Call()
