"""What goes wrong on the way to Telegram, on demand, and Telegram's own speed limits."""

from __future__ import annotations

import math
import time
from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import Literal

from tests.servers.telegram_model import Json

FaultKind = Literal["429", "500", "reset", "lost"]


class ApiError(Exception):
    """An answer with `ok: false`."""

    def __init__(self, code: int, description: str, **parameters: int) -> None:
        super().__init__(code, description)
        self.code, self.description, self.parameters = code, description, parameters

    def as_json(self) -> Json:
        body: Json = {"ok": False, "error_code": self.code, "description": self.description}
        return {**body, "parameters": self.parameters} if self.parameters else body


def too_many(retry_after_s: int) -> ApiError:
    return ApiError(
        429, f"Too Many Requests: retry after {retry_after_s}", retry_after=retry_after_s
    )


@dataclass(slots=True)
class Fault:
    """The next `left` calls (of `method`, or of any but getUpdates) meet `kind`.

    `lost`: the call is carried out and its answer is not delivered. `reset`: neither happens.
    """

    kind: FaultKind
    left: int
    method: str | None
    retry_after_s: int

    def strikes(self, method: str) -> bool:
        wanted = method == self.method or (self.method is None and method != "getUpdates")
        return self.left > 0 and wanted


@dataclass(slots=True)
class Limits:
    """Telegram's published limits: https://core.telegram.org/bots/faq#my-bot-is-hitting-limits.

    A group takes `group_per_minute` messages a minute; any chat one a second, with short bursts.
    Sends and edits both count, as python-telegram-bot's own limiter counts them.
    """

    enforced: bool = False
    group_per_minute: int = 20
    chat_burst: int = 5
    log: dict[int, deque[float]] = field(default_factory=lambda: defaultdict(deque))

    def take(self, chat_id: int) -> None:
        """Count one message to this chat. Raises a 429 `ApiError` when it is one too many."""
        now, sent = time.monotonic(), self.log[chat_id]
        while sent and now - sent[0] > 60:
            sent.popleft()
        if self.enforced:
            if chat_id < 0 and len(sent) >= self.group_per_minute:
                raise too_many(math.ceil(60 - (now - sent[0])))
            lately = sum(1 for at in sent if now - at < self.chat_burst)
            if lately >= self.chat_burst:
                raise too_many(1)
        sent.append(now)

    def most_in_a_minute(self, chat_id: int) -> int:
        """How many messages this chat took in the last minute."""
        return len(self.log[chat_id])
