"""The whole error tree. The class says who can act; facts are attributes.

`str()` is English for logs; people read `error.text` rendered in their language.
"""

from __future__ import annotations

from commands.domain.engine_errors import (
    BackupInvalidError,
    CheckFailedError,
    CommandFailedError,
    CommandTimedOutError,
    ConfigFileError,
    DatabaseError,
    DatabaseUnavailableError,
    DiskFullError,
    EngineError,
    EngineUnavailableError,
    ImageNotFoundError,
    InDoubtError,
    LockTimeoutError,
    ProxyError,
    RegistryUnavailableError,
)
from commands.domain.error import RollbotError
from commands.domain.text import Param, Text, text

__all__ = [
    "BackupInvalidError",
    "ChatError",
    "ChatGoneError",
    "ChatNoAccountError",
    "CheckFailedError",
    "CommandFailedError",
    "CommandTimedOutError",
    "ConfigFileError",
    "DatabaseError",
    "DatabaseUnavailableError",
    "DiskFullError",
    "EngineError",
    "EngineUnavailableError",
    "GrammarError",
    "ImageNotFoundError",
    "InDoubtError",
    "JournalConflictError",
    "LeaseHeldError",
    "LockTimeoutError",
    "PlanRefusedError",
    "ProxyError",
    "RefusedError",
    "RegistryUnavailableError",
    "RequestError",
    "RollbotError",
    "RunbookError",
    "SettingsError",
    "StateLostError",
    "StoreError",
    "StoreFullError",
    "StoreUnavailableError",
    "TamperedJournalError",
    "UnforeseenError",
    "UnknownEventError",
]


class RequestError(RollbotError):
    """The asker can mend it: wrong word, no right, wrong moment. Shown to the asker alone.

    `key` is given per raise, so that one class serves all refusals of `decide`.
    """

    def __init__(self, key: str, /, **facts: Param) -> None:
        super().__init__(**facts)
        self.key = key

    def __str__(self) -> str:
        """English for logs: the key and its facts."""
        facts = ", ".join(f"{name}={value}" for name, value in self.facts.items())
        return f"{self.key}({facts})"


class GrammarError(RequestError):
    """The words could not be read. `key` starts with `grammar.`."""


class RefusedError(RequestError):
    """The words are clear, but this person, place or moment may not. Audited."""


class PlanRefusedError(RequestError):
    """A survey shows that the rollback asked for cannot be done safely. `key`: `refused.*`."""


class RunbookError(RollbotError):
    """runbook.toml is wrong. `path` names the first value, `why` what it must be.

    `others` are the other problems, each a `wrong.at` of its own.
    """

    key = "error.runbook"

    def __init__(self, path: str, why: Text, others: tuple[Text, ...] = ()) -> None:
        super().__init__(problems=(text("wrong.at", path=path, why=why), *others))
        self.path, self.why = path, why

    def __str__(self) -> str:
        """`services.api.health_timeout_s: wrong.more(gt=0)`."""
        return f"{self.path}: {self.why}"


class SettingsError(RollbotError):
    """An environment variable is missing or wrong."""

    key = "error.settings"

    def __init__(self, variable: str, why: Text) -> None:
        super().__init__(variable=variable, why=why)
        self.variable, self.why = variable, why


class UnforeseenError(RollbotError):
    """A mistake of ours, met in a survey or a step; `kind` is the exception's class.

    The log has the rest: what such an exception says has not been looked at by the redactor.
    """

    key = "error.unforeseen"

    def __init__(self, kind: str) -> None:
        super().__init__(kind=kind)
        self.kind = kind


class StoreError(RollbotError):
    """The journal could not be read or written. Nothing was decided."""

    key = "error.store"


class StoreUnavailableError(StoreError):
    """Redis did not answer in time. Repeat later; nothing was written as far as is known."""

    key = "error.store_unavailable"


class StoreFullError(StoreError):
    """Redis refuses writes (out of memory). Free memory, then repeat."""

    key = "error.store_full"


class JournalConflictError(StoreError):
    """Somebody appended first. Re-read and decide again; always safe."""

    key = "error.journal_conflict"

    def __init__(self, journal: str, expected: int, actual: int) -> None:
        super().__init__(journal=journal, expected=expected, actual=actual)
        self.journal, self.expected, self.actual = journal, expected, actual


class TamperedJournalError(StoreError):
    """An entry is forged, edited or missing. Nothing may be changed on its word."""

    key = "error.journal_tampered"

    def __init__(self, journal: str, position: int, why: str) -> None:
        super().__init__(journal=journal, position=position, why=why)
        self.journal, self.position, self.why = journal, position, why


class UnknownEventError(StoreError):
    """An entry was written by a newer rollbot. Update this one; nothing is changed meanwhile."""

    key = "error.unknown_event"

    def __init__(self, kind: str, needs: str = "") -> None:
        super().__init__(kind=kind, needs=needs)
        self.kind, self.needs = kind, needs


class StateLostError(StoreError):
    """The journal is shorter than the one last seen here: Redis lost state."""

    key = "error.state_lost"

    def __init__(self, journal: str, seen: int, found: int) -> None:
        super().__init__(journal=journal, seen=seen, found=found)
        self.journal, self.seen, self.found = journal, seen, found


class LeaseHeldError(RollbotError):
    """Another process, or a child of a dead one, still works on this environment."""

    key = "error.lease_held"


class ChatError(RollbotError):
    """A chat platform did not take a message. `retry_after_s` says when to try again."""

    key = "error.chat"

    def __init__(self, platform: str, why: str, retry_after_s: float | None = None) -> None:
        super().__init__(platform=platform, why=why)
        self.platform, self.why, self.retry_after_s = platform, why, retry_after_s


class ChatNoAccountError(ChatError):
    """Nobody can be written to under this account. Not repeated: the runbook is to be mended."""

    key = "error.chat_no_account"


class ChatGoneError(ChatError):
    """The message or channel is no longer there: post anew or rebind.

    `moved_to` is the new address of a migrated group, when the platform tells it.
    """

    key = "error.chat_gone"

    def __init__(self, platform: str, why: str, moved_to: str | None = None) -> None:
        super().__init__(platform, why)
        self.moved_to = moved_to
