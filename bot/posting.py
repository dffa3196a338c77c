"""One message at a time into one platform: what is missing is posted, what changed is edited.

A post is journaled, so that a restarted bot goes on with it; a message that is gone is posted anew.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import structlog

from bot.outbox import Wanted, place
from commands.domain.conversation import Address, Card, MessageRef
from commands.domain.errors import (
    ChatError,
    ChatGoneError,
    ChatNoAccountError,
    RequestError,
    StoreError,
)
from commands.domain.events import Posted, PostLost
from commands.domain.state import RollbackState
from commands.handlers import Service
from commands.ports import Chat

log = structlog.get_logger()

PACE_S = {"slack": 1.0, "telegram": 3.0, "console": 0.1}
"""At most one edit per card in this time (Slack: 1/s a channel; Telegram: 20/min a group)."""

DETAIL_EVERY_S = {"slack": 1.1}
"""Details go into a thread at this pace, so that what ends or decides a rollback finds room.

Slack takes one message a second in a channel, its threads included, and short bursts.
"""

BACK_OFF_S = 2.0
GIVE_UP_S = 30.0


@dataclass(slots=True)
class Sent:
    """What one message showed last, and when it was sent (monotonic seconds)."""

    card: Card | None
    at: float


@dataclass(slots=True, kw_only=True)
class Posting:
    """What one platform was sent. `keep` False: nothing of it is journaled. `now` in seconds."""

    chat: Chat
    services: Mapping[str, Service]
    keep: bool = True
    now: Callable[[], float] = time.monotonic
    _sent: dict[tuple[str, str, str], Sent] = field(default_factory=dict)
    _kept: dict[tuple[str, str, str], MessageRef] = field(default_factory=dict)
    _quiet_until: dict[str, float] = field(default_factory=dict)
    _posted_at: dict[str, float] = field(default_factory=dict)
    _nobody: dict[tuple[str, str, str], str] = field(default_factory=dict)

    def drawn(self, environment: str, rollback: str) -> Iterator[float]:
        """When each of a rollback's cards was sent last."""
        for (where, name, key), sent in self._sent.items():
            if (where, name) == (environment, rollback) and key.startswith("card:"):
                yield sent.at

    async def deliver(self, environment: str, state: RollbackState, message: Wanted) -> bool:
        """Send one message if it is due; True when nothing of it is left to be sent."""
        name = (environment, state.id, message.key)
        address = None if name in self._nobody else self._placed(environment, state, message)
        if address is None:
            return name in self._nobody
        reference = self._reference(environment, state, message.key)
        where = self._limited(address, reference)
        if self.now() < self._quiet_until.get(where, 0.0):
            return False
        try:
            if reference is None:
                return await self._post(environment, state, message, address)
            return not message.live or await self._edit(name, message, reference)
        except ChatNoAccountError as error:
            self._given_up(name, address, error)
        except ChatGoneError as error:
            self._quiet_until[where] = self.now() + BACK_OFF_S
            await self._lost(environment, state, message, error.moved_to or "")
            log.warning("message_gone", key=message.key, why=str(error))
        except (ChatError, StoreError, RequestError) as error:
            wait = getattr(error, "retry_after_s", None) or BACK_OFF_S
            self._quiet_until[where] = self.now() + min(wait, GIVE_UP_S)
            # A platform's own pace is no trouble; anything longer is.
            tell = log.debug if wait <= BACK_OFF_S else log.warning
            tell("message_waits", key=message.key, why=str(error))
        return name in self._nobody

    def _given_up(
        self, name: tuple[str, str, str], address: Address, error: ChatNoAccountError
    ) -> None:
        """Not tried again for this message; the next question tries it once more."""
        account = address.person.user if address.person else address.channel.channel
        # Whoever keeps the runbook reads it once; the others who are asked have their buttons.
        tell = log.debug if account in self._nobody.values() else log.warning
        self._nobody[name] = account
        tell("account_not_found", account=account, key=name[2], why=error.why)

    def _reference(self, environment: str, state: RollbackState, key: str) -> MessageRef | None:
        return self._kept.get((environment, state.id, key)) or state.posted.get(key)

    def _limited(self, address: Address, reference: MessageRef | None) -> str:
        """What a platform slows down together: Slack counts edits apart from a channel's posts."""
        edits = reference is not None and self.chat.platform == "slack"
        return f"{place(address)}:edits" if edits else place(address)

    async def _post(
        self, environment: str, state: RollbackState, message: Wanted, address: Address
    ) -> bool:
        where, now = place(address), self.now()
        pace = DETAIL_EVERY_S.get(self.chat.platform, 0.0) if message.under else 0.0
        if now - self._posted_at.get(where, -math.inf) < pace:
            return False
        card = message.card()
        delivery = f"{environment}/{state.id}/{message.key}"
        reference = await self.chat.post(address, card, delivery)
        self._posted_at[where] = self.now()
        self._sent[environment, state.id, message.key] = Sent(card, self.now())
        await self._record(environment, state, message, reference)
        return True

    async def _edit(
        self, name: tuple[str, str, str], message: Wanted, reference: MessageRef
    ) -> bool:
        card, sent = message.card(), self._sent.get(name)
        if sent and sent.card == card:
            return True
        pace = PACE_S.get(self.chat.platform, 1.0)
        if sent and self.now() - sent.at < pace:
            return False
        await self.chat.update(reference, card)
        self._sent[name] = Sent(card, self.now())
        return True

    async def _record(
        self, environment: str, state: RollbackState, message: Wanted, reference: MessageRef
    ) -> None:
        key = message.key
        self._kept[environment, state.id, key] = reference
        if not (self.keep and message.journaled):
            return
        posted = Posted(key=key, message=reference)

        def once(now: RollbackState) -> tuple[Posted, ...]:
            return () if key in now.posted else (posted,)

        await self.services[environment].book.append_rollback(state.id, once)

    async def _lost(
        self, environment: str, state: RollbackState, message: Wanted, moved_to: str
    ) -> None:
        self._kept.pop((environment, state.id, message.key), None)
        self._sent.pop((environment, state.id, message.key), None)
        if self.keep and (moved_to or message.key in state.posted):
            lost = PostLost(key=message.key, moved_to=moved_to)
            try:
                await self.services[environment].book.append_rollback(state.id, lambda _: (lost,))
            except (StoreError, RequestError) as error:
                # It is found gone again at the next edit.
                log.warning("loss_not_written", key=message.key, why=str(error))

    def _placed(self, environment: str, state: RollbackState, message: Wanted) -> Address | None:
        """The address, in its thread once the root is there, or where a group has moved to."""
        address = message.address
        if moved := state.moved.get(message.key):
            channel = address.channel.model_copy(update={"channel": moved})
            address = replace(address, channel=channel)
        if not message.under:
            return address
        root = self._reference(environment, state, message.under)
        return replace(address, thread=root.message_id) if root else None
