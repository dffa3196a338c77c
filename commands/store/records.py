"""The observer's record: what runs now, the latest only. The bot reads it with its age."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

import redis
import redis.asyncio
from pydantic import AwareDatetime, BaseModel, ConfigDict, TypeAdapter, ValidationError

from commands.domain.errors import TamperedJournalError, UnknownEventError
from commands.store.codec import Codec, canonical_json
from commands.store.connection import patiently, patiently_async
from commands.store.keys import observed_key

R = TypeVar("R")

_NAME = "observed"


class _Envelope(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    at: AwareDatetime
    environment: str
    record: object


@dataclass(frozen=True, slots=True)
class Observed(Generic[R]):
    """A record, when it was made (UTC) and how old it was when it was read."""

    record: R
    at: datetime
    age: timedelta


class RecordCodec(Generic[R]):
    """Seals and opens the record of one environment with the key of its journals."""

    def __init__(self, adapter: TypeAdapter[R], codec: Codec[Any]) -> None:
        self._adapter, self._codec = adapter, codec
        self.key = observed_key(codec.environment)

    def seal(self, record: R, at: datetime) -> dict[Any, Any]:
        """The fields of the stored hash. Secrets are taken out."""
        raw = canonical_json(
            {
                "at": at.astimezone(UTC).isoformat(),
                "environment": self._codec.environment,
                "record": self._codec.redacted(self._adapter.dump_python(record, mode="json")),
            }
        )
        return {"e": raw, "s": self._codec.sign_record(_NAME, raw)}

    def open(self, fields: dict[Any, Any], now: datetime) -> Observed[R] | None:
        """The record in a stored hash; None when there is none.

        Raises `TamperedJournalError`, and `UnknownEventError` for one of a newer rollbot.
        """
        if not fields:
            return None
        raw, signature = fields.get(b"e", b""), fields.get(b"s", b"")
        if not hmac.compare_digest(self._codec.sign_record(_NAME, raw).encode(), signature):
            raise TamperedJournalError(_NAME, 0, "signature does not match")
        try:
            envelope = _Envelope.model_validate_json(raw)
            record = self._adapter.validate_json(canonical_json(envelope.record))
        except ValidationError as error:
            raise UnknownEventError(_NAME) from error
        return Observed(record, envelope.at, max(now - envelope.at, timedelta(0)))


class Records(Generic[R]):
    """The record for the observer and the worker. Raises as the journal does."""

    def __init__(self, client: redis.Redis, codec: RecordCodec[R]) -> None:
        self._client, self._codec = client, codec

    def put(self, record: R, at: datetime) -> None:
        """Replace the record. Safe to repeat."""
        fields = self._codec.seal(record, at)
        patiently(lambda: self._client.hset(self._codec.key, mapping=fields))

    def get(self, now: datetime) -> Observed[R] | None:
        """The latest record; None when no observer has made one yet."""
        fields = patiently(lambda: self._client.hgetall(self._codec.key))
        return self._codec.open(fields, now)


class AsyncRecords(Generic[R]):
    """The record for the bot, which only reads it."""

    def __init__(self, client: redis.asyncio.Redis, codec: RecordCodec[R]) -> None:
        self._client, self._codec = client, codec

    async def get(self, now: datetime) -> Observed[R] | None:
        """See `Records.get`."""
        fields = await patiently_async(lambda: self._client.hgetall(self._codec.key))
        return self._codec.open(fields, now)
