"""Open an environment's journal, record and queue on one Redis."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import redis
import redis.asyncio
from pydantic import TypeAdapter

from commands.domain.errors import UnknownEventError
from commands.domain.events import EVENTS, AnyEvent
from commands.domain.observed import JournalMark, ObservedRecord
from commands.settings import Settings
from commands.store.async_journal import AsyncJournal
from commands.store.book import AsyncBook, Book
from commands.store.codec import Codec
from commands.store.connection import RETRY_FOR_S, connect, connect_async, patiently_async
from commands.store.high_water import HighWater
from commands.store.journal import Journal
from commands.store.keys import room_key
from commands.store.mirror import Mirror
from commands.store.queue import (
    AsyncDriveQueue,
    DriveQueue,
    LiveWorker,
    live_workers,
    live_workers_async,
)
from commands.store.records import AsyncRecords, RecordCodec, Records
from commands.store.redaction import Redactor
from commands.store.witness import Witness

OBSERVED: TypeAdapter[ObservedRecord] = TypeAdapter(ObservedRecord)


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What opens an environment's memory. `secrets` are values that must never be written.

    `known` is the one redactor of this process: what it learns later, all who got it know.
    """

    environment: str
    redis_url: str = field(repr=False)
    key: bytes = field(repr=False)
    state_dir: Path
    secrets: tuple[str, ...] = field(default=(), repr=False)
    known: Redactor = field(default_factory=Redactor, repr=False, compare=False)

    @classmethod
    def of(cls, settings: Settings, environment: str) -> Access:
        """Access as the process's settings have it. Raises SettingsError without a key."""
        return cls(
            environment=environment,
            redis_url=settings.redis_url,
            key=settings.journal_key(environment),
            state_dir=settings.state_dir,
            secrets=settings.secret_values(),
        )

    def codec(self) -> Codec[AnyEvent]:
        """The codec of this environment's key; it redacts the secrets."""
        return Codec(self.environment, EVENTS, self.key, self.redactor())

    def redactor(self) -> Redactor:
        """What takes these secrets out of text and data: the same one, whoever asks."""
        self.known.register(*self.secrets)
        return self.known


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """An environment's memory for blocking callers: worker, observer, shell."""

    environment: str
    client: redis.Redis
    codec: Codec[AnyEvent]
    book: Book
    records: Records[ObservedRecord]
    queue: DriveQueue
    mirror: Mirror
    witness: Witness

    def workers(self, now: datetime) -> tuple[LiveWorker, ...]:
        """The workers that are alive for this environment."""
        return live_workers(self.client, self.environment, now)


@dataclass(frozen=True, slots=True, kw_only=True)
class AsyncStore:
    """An environment's memory for the event loop."""

    environment: str
    client: redis.asyncio.Redis
    book: AsyncBook
    records: AsyncRecords[ObservedRecord]
    queue: AsyncDriveQueue

    async def workers(self, now: datetime) -> tuple[LiveWorker, ...]:
        """The workers that are alive for this environment."""
        return await live_workers_async(self.client, self.environment, now)

    async def must_have_room(self) -> None:
        """Ask Redis whether it takes writes; nothing is written. Raises StoreFullError.

        SETRANGE of an empty value makes no key, and is refused without memory like any write
        (redis.io/commands/setrange; tried on Redis 7.0 and Valkey 9).
        """
        key = room_key(self.environment)
        await patiently_async(lambda: self.client.setrange(key, 0, ""))


def open_store(
    access: Access, retry_for_s: float = RETRY_FOR_S, *, mirrored: bool = False
) -> Store:
    """Open for a blocking caller; nothing is connected yet.

    `retry_for_s`: how long a caller of the journal waits for a Redis that is away. `mirrored`:
    the caller acts on what it reads, so that is written down on this host first.
    """
    codec, client = access.codec(), connect(access.redis_url)
    mirror = Mirror(access.state_dir, access.environment)
    journal = Journal(client, codec, retry_for_s)
    return Store(
        environment=access.environment,
        client=client,
        codec=codec,
        book=Book(journal, access.environment, mirror if mirrored else None),
        records=Records(client, RecordCodec(OBSERVED, codec)),
        queue=DriveQueue(client, access.environment),
        mirror=mirror,
        witness=Witness(access.state_dir, access.environment, codec.redacted),
    )


def open_async_store(access: Access) -> AsyncStore:
    """Open for the event loop; nothing is connected yet."""
    codec, client = access.codec(), connect_async(access.redis_url)
    records = AsyncRecords(client, RecordCodec(OBSERVED, codec))

    async def seen_by_host() -> JournalMark | None:
        try:
            observed = await records.get(datetime.now(UTC))
        except UnknownEventError:  # A newer observer's: it has its own way of being heard.
            return None
        return observed.record.remembered.environment if observed else None

    return AsyncStore(
        environment=access.environment,
        client=client,
        book=AsyncBook(
            AsyncJournal(client, codec),
            access.environment,
            HighWater(access.state_dir, access.environment),
            seen_by_host,
        ),
        records=records,
        queue=AsyncDriveQueue(DriveQueue(connect(access.redis_url), access.environment)),
    )
