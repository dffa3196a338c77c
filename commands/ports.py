"""What the core needs from the world, as Protocols. Adapters translate vendor errors.

Worker-side ports are synchronous (one job process, one rollback); bot-side ports are async.
Every method raises only `commands.domain.errors.RollbotError` subclasses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from commands.container_ports import Containers, OneOffOutcome, ProgramOutcome
from commands.domain.conversation import Address, Card, Incoming, MessageRef, Suggestions
from commands.domain.people import Identity, Language, Platform
from commands.domain.plan import CommandLine, Pin
from commands.domain.runbook import Channel

__all__ = [
    "Addresses",
    "Chat",
    "Clock",
    "ConfigFiles",
    "Containers",
    "Desk",
    "History",
    "OneOffOutcome",
    "ProgramOutcome",
    "Programs",
    "Web",
    "WebAnswer",
]


class Clock(Protocol):
    """The time. Injected so that deadlines can be tested."""

    def now(self) -> datetime:
        """UTC, aware."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait; a worker-side convenience for polling."""
        ...


class ConfigFiles(Protocol):
    """Env and override files of one environment, written atomically. Raises ConfigFileError."""

    def pinned(self, pin: Pin) -> str | None:
        """The value now at this pin's place; None if there is none."""
        ...

    def write_pin(self, pin: Pin, keep_as: str) -> None:
        """Write the pin's value, everything else untouched; the previous file is kept once.

        Write to a new file, fsync, rename, fsync the folder: old or new, never mixed. Safe to
        repeat: a kept file is not overwritten.
        """
        ...

    def remove_pin(self, pin: Pin) -> None:
        """Take the pin out again (undo of a pin that did not exist before)."""
        ...

    def fingerprint(self, path: str) -> str:
        """SHA-256 (hex) of a file's bytes; "" if there is no such file."""
        ...

    def values(self, path: str) -> Mapping[str, str | None]:
        """Keys and values of an env file (python-dotenv, interpolate=False)."""
        ...


@dataclass(frozen=True, slots=True)
class WebAnswer:
    """What a service answered. `body` is at most 64 KiB; names in `headers` are lower-case."""

    status: int
    body: bytes
    seconds: float
    headers: Mapping[str, str] = field(default_factory=dict)


class Web(Protocol):
    """HTTP questions to the services rolled back."""

    def get(self, url: str, timeout_s: float) -> WebAnswer:
        """One GET without redirects. Raises EngineError when nothing answered."""
        ...


class Programs(Protocol):
    """The customer's own commands."""

    def run(self, command: CommandLine, timeout_s: float) -> ProgramOutcome:
        """Run it without a shell, in a clean environment; a bad exit code is not an exception.

        Raises CommandTimedOutError (its children are ended) and CommandFailedError when it
        cannot be started at all.
        """
        ...


class History(Protocol):
    """The customer's git repository, read only."""

    def tags(self) -> tuple[str, ...]:
        """Tags, newest first; empty when there is no repository."""
        ...

    def commits_between(self, older: str, newer: str) -> tuple[str, ...]:
        """One line a commit (`abc1234 subject`), newest first, at most 50; empty if unknown."""
        ...


class Chat(Protocol):
    """One chat platform, outgoing. Raises ChatError and ChatGoneError."""

    platform: Platform

    async def post(self, address: Address, card: Card, delivery_id: str) -> MessageRef:
        """Send a card. With the same `delivery_id` it is looked for before it is repeated."""
        ...

    async def update(self, message: MessageRef, card: Card) -> None:
        """Edit a card in place. Safe to repeat; the same content is not an error."""
        ...

    async def whisper(self, incoming: Incoming, card: Card) -> None:
        """Answer the sender of `incoming` alone, where they are looking."""
        ...


class Desk(Protocol):
    """Where listeners hand in what people said. Implemented by `bot.desk`."""

    async def accept(self, incoming: Incoming) -> bool:
        """Persist, then return at once: the listener acks after this. False: seen before.

        The desk handles it in the background, answers the sender by `Chat.whisper`, and after a
        crash handles what was accepted but not handled. Raises StoreUnavailableError or
        StoreFullError (within 3 s), or RefusedError for what is too long: then nothing was
        accepted, and the listener must tell the sender so with `refusal(error, incoming)`.
        """
        ...

    def refusal(self, error: Exception, incoming: Incoming) -> Card:
        """A card for the sender alone, in their language."""
        ...

    async def suggestions(self, channel: Channel) -> Suggestions | None:
        """What a form or menu offers in this channel; None if it is bound to no environment."""
        ...

    def language_of(self, identity: Identity, home: Channel) -> Language:
        """The language of private words to this person: theirs, else the runbook's."""
        ...


@dataclass(frozen=True, slots=True)
class Addresses:
    """Paths and addresses that adapters are built with."""

    state_dir: Path
    redis_url: str
