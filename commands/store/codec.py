"""Entries of a journal as bytes: the one place that redacts, hashes and signs.

The stored bytes are what is hashed (each entry names the hash of the one before) and what is
signed with the environment's key, so a journal cannot be edited, reordered or moved elsewhere
without `Codec.open` naming the entry.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Generic, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, TypeAdapter, ValidationError

from commands.domain.errors import StoreError, TamperedJournalError, UnknownEventError
from commands.store.redaction import Redactor

E = TypeVar("E")

FORMAT = 1
"""Version of the envelope, not of the events in it."""

NOTHING_BEFORE = ""
"""The `prev` of a journal's first entry."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """One entry as it is stored. `hash` is the SHA-256 of `raw`, in hex; `signature` too."""

    raw: bytes = field(repr=False)
    signature: str = field(repr=False)
    hash: str


@dataclass(frozen=True, slots=True)
class Recorded(Generic[E]):
    """One verified entry of a journal. `n` counts from 1; `at` is UTC."""

    n: int
    at: datetime
    event: E
    hash: str
    sealed: Sealed = field(repr=False, compare=False)


class _Envelope(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    v: int
    journal: str
    n: int
    at: AwareDatetime
    prev: str
    w: str
    release: str
    event: dict[str, object]


class Codec(Generic[E]):
    """Seals events into entries and opens entries into events, for one environment.

    `journal` is always the name within the environment ("env", "RB-17"); in the bytes it stands
    with the environment before it, so that staging's entries are no good in production.
    """

    def __init__(
        self,
        environment: str,
        adapter: TypeAdapter[E],
        key: bytes,
        redactor: Redactor | None = None,
        release: str | None = None,
    ) -> None:
        self.environment = environment
        self._adapter = adapter
        self._key = key
        self._redactor = redactor or Redactor()
        self._release = release or version("rollbot")

    def seal(self, journal: str, n: int, at: datetime, prev: str, event: E) -> Sealed:
        """Encode, redact, hash and sign one event.

        Raises `StoreError` when the event no longer reads after its secrets were taken out.
        """
        raw = canonical_json(
            {
                "v": FORMAT,
                "journal": self._full_name(journal),
                "n": n,
                "at": at.astimezone(UTC).isoformat(timespec="microseconds"),
                "prev": prev,
                # Tells our own append from an equal one when a reply was lost on the way.
                "w": secrets.token_hex(8),
                "release": self._release,
                "event": self._redacted(event),
            }
        )
        return Sealed(raw, self._sign(journal, n, prev, raw), hashlib.sha256(raw).hexdigest())

    def open(self, journal: str, n: int, prev: str, raw: bytes, signature: str) -> Recorded[E]:
        """Verify and decode entry `n`, which must follow the entry whose hash is `prev`.

        Raises `TamperedJournalError` or, for an authentic entry that a newer rollbot wrote,
        `UnknownEventError`.
        """
        expected = self._sign(journal, n, prev, raw)
        if not hmac.compare_digest(expected.encode(), signature.encode()):
            raise TamperedJournalError(journal, n, self._why_unsigned(journal, n, prev, raw))
        envelope = self._envelope(journal, n, raw)
        digest = hashlib.sha256(raw).hexdigest()
        event = self._event(envelope)
        return Recorded(n, envelope.at, event, digest, Sealed(raw, signature, digest))

    def sign_record(self, name: str, raw: bytes) -> str:
        """Sign bytes that are no journal entry (the observer's record)."""
        return self._sign(f"record:{name}", 0, NOTHING_BEFORE, raw)

    def redacted(self, plain: object) -> object:
        """JSON-like data without secrets."""
        return self._redactor.data(plain)

    def _redacted(self, event: E) -> dict[str, object]:
        plain = self._adapter.dump_python(event, mode="json")
        clean = self.redacted(plain)
        if not isinstance(clean, dict):
            raise StoreError(kind=type(event).__name__, why="an event must be an object")
        if "kind" in plain:
            # From our own closed list, so never a secret, even when someone's password says so.
            clean["kind"] = plain["kind"]
        if clean != plain:
            try:
                self._adapter.validate_json(json.dumps(clean))
            except ValidationError as error:
                kind = str(plain.get("kind", ""))
                raise StoreError(kind=kind, why="unreadable without its secrets") from error
        return clean

    def _sign(self, journal: str, n: int, prev: str, raw: bytes) -> str:
        head = canonical_json([self._full_name(journal), n, prev])
        return hmac.new(self._key, head + b"\n" + raw, hashlib.sha256).hexdigest()

    def _full_name(self, journal: str) -> str:
        return f"{self.environment}/{journal}"

    def _why_unsigned(self, journal: str, n: int, prev: str, raw: bytes) -> str:
        """What differs, for the person who has to find out; the signature has failed already."""
        try:
            found = _Envelope.model_validate_json(raw)
        except ValidationError:
            return "unreadable"
        if found.journal != self._full_name(journal):
            return f"belongs to {found.journal}"
        if found.n != n:
            return f"was entry {found.n}"
        if found.prev != prev:
            return "does not follow the entry before it"
        return "signature does not match"

    def _envelope(self, journal: str, n: int, raw: bytes) -> _Envelope:
        try:
            return _Envelope.model_validate_json(raw)
        except ValidationError as error:
            parsed = json.loads(raw)
            if isinstance(parsed, dict) and parsed.get("v") != FORMAT:
                needs = str(parsed.get("release", ""))
                raise UnknownEventError(f"entry v{parsed.get('v')}", needs) from error
            raise TamperedJournalError(journal, n, "signed but unreadable") from error

    def _event(self, envelope: _Envelope) -> E:
        kind = str(envelope.event.get("kind", "?"))
        if envelope.v != FORMAT:
            raise UnknownEventError(kind, envelope.release)
        try:
            # From JSON, because tuples and dates come as lists and strings.
            return self._adapter.validate_json(json.dumps(envelope.event))
        except ValidationError as error:
            raise UnknownEventError(kind, envelope.release) from error


def canonical_json(value: object) -> bytes:
    """Sorted keys, no spaces, UTF-8: equal data gives equal bytes."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()
