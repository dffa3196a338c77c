"""The queue: one kind of job on RQ, and which workers live to take it.

RQ 3 facts that this rests on: `unique=True` stays a duplicate for as long as the job's hash
exists, also after its worker was killed, so a dead job is cleared away here; a worker's hash
expires, and ours sets it to `HEARTBEAT_TTL_S` anew every second, so what is left of that
time tells how old the last heartbeat is, by one clock: Redis's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import redis
import redis.asyncio
from rq import Queue
from rq.exceptions import DuplicateJobError, InvalidJobOperation, NoSuchJobError
from rq.job import Job, JobStatus
from rq.worker_registration import WORKERS_BY_QUEUE_KEY

from commands.store.connection import RETRY_FOR_S, patiently, patiently_async
from commands.store.keys import queue_name

DRIVE = "workers.jobs.drive"
"""The only function that a worker runs."""

SERIALIZER = "json"
"""Never RQ's default: reading pickle is running whatever somebody wrote into Redis."""

JOB_TIMEOUT_S = 4 * 60 * 60
"""A last resort; every step of a plan has a limit of its own, and far shorter."""

FAILURE_TTL_S = 60
HEARTBEAT_TTL_S = 77
HEARTBEAT_FRESH_S = 4
STARTS_WITHIN = timedelta(seconds=10)

JOB_STOPPED = "rollbot_job_stopped"
"""Field of a worker's hash: the pid of its job process when that stands still (SIGSTOP), or 0."""

_WORKER_FIELDS = ("state", "hostname", "pid", "death", JOB_STOPPED)
_WORKER_KEY = "rq:worker:"
_PID_DIGITS = 10


@dataclass(frozen=True, slots=True)
class LiveWorker:
    """A worker that beat its heart within the last four seconds. `state`: idle, busy, ...

    `stopped_pid`: its job process, when somebody stopped that one (SIGSTOP); else 0.
    """

    name: str
    hostname: str
    pid: int
    state: str
    heartbeat_at: datetime
    stopped_pid: int = 0


class DriveQueue:
    """The jobs of one environment. Threads may share it; a duplicate is never an error."""

    def __init__(self, client: redis.Redis, environment: str, function: str = DRIVE) -> None:
        self._client, self._environment = client, environment
        self._queue = Queue(queue_name(environment), connection=client, serializer=SERIALIZER)
        self._function = function

    def job_id(self, rollback_id: str, journal_length: int) -> str:
        """`drive-production-RB-17-42`: once per state of the journal."""
        return f"drive-{self._environment}-{rollback_id}-{journal_length}"

    def enqueue(self, rollback_id: str, journal_length: int) -> bool:
        """Have a worker drive a rollback on; False when that is under way already.

        A job of the same name that died with its worker is replaced. Raises
        `StoreUnavailableError` and `StoreFullError`. Safe to repeat.
        """
        return patiently(lambda: self._enqueue(rollback_id, journal_length))

    def _enqueue(self, rollback_id: str, journal_length: int) -> bool:
        job_id = self.job_id(rollback_id, journal_length)
        try:
            self._add(job_id, rollback_id)
        except DuplicateJobError:
            return not self._under_way(job_id) and self._replace(job_id, rollback_id)
        return True

    def replace(self, job_id: str, rollback_id: str) -> bool:
        """Queue a job anew that its worker cannot have finished. Safe to repeat."""
        return patiently(lambda: self._replace(job_id, rollback_id))

    def _replace(self, job_id: str, rollback_id: str) -> bool:
        self.discard(job_id)
        try:
            self._add(job_id, rollback_id)
        except DuplicateJobError:
            # Somebody else had the same thought.
            return False
        return True

    def discard(self, job_id: str) -> None:
        """Take a job away wherever it stands, without reading what it holds."""
        pipe = self._client.pipeline()
        pipe.lrem(self._queue.key, 0, job_id)
        pipe.lrem(self._queue.intermediate_queue_key, 0, job_id)
        pipe.delete(Job.key_for(job_id), Job.dependents_key_for(job_id))
        pipe.execute()

    def _add(self, job_id: str, rollback_id: str) -> None:
        self._queue.enqueue_call(
            self._function,
            args=(rollback_id,),
            job_id=job_id,
            unique=True,
            timeout=JOB_TIMEOUT_S,
            result_ttl=0,
            failure_ttl=FAILURE_TTL_S,
            description=job_id,
        )

    def _under_way(self, job_id: str) -> bool:
        """Whether a job of this name waits, or runs under a live worker."""
        if self._client.lpos(self._queue.key, job_id) is not None:
            return True
        try:
            job = Job.fetch(job_id, connection=self._client, serializer=SERIALIZER)
        except NoSuchJobError:
            return False
        live = live_workers(self._client, self._environment, datetime.now(UTC))
        try:
            status = job.get_status(refresh=False)
        except InvalidJobOperation:
            return False
        if status is JobStatus.QUEUED:
            # Taken from the list and about to start, unless its worker died at that moment.
            since = job.enqueued_at or job.created_at
            return bool(live) and datetime.now(UTC) - since < STARTS_WITHIN
        return status is JobStatus.STARTED and job.worker_name in {w.name for w in live}


class AsyncDriveQueue:
    """`DriveQueue` for the event loop: RQ knows blocking clients only, so it gets a thread."""

    def __init__(self, queue: DriveQueue) -> None:
        self._queue = queue

    async def enqueue(self, rollback_id: str, journal_length: int) -> bool:
        """See `DriveQueue.enqueue`."""
        return await asyncio.to_thread(self._queue.enqueue, rollback_id, journal_length)


def live_workers(
    client: redis.Redis, environment: str, now: datetime, retry_for_s: float = RETRY_FOR_S
) -> tuple[LiveWorker, ...]:
    """The environment's workers that are alive. Raises `StoreUnavailableError`.

    Not by `rq.Worker.all`: it would set this client's socket timeout to seven minutes.
    """

    def ask() -> tuple[LiveWorker, ...]:
        keys = (_text(key) for key in client.smembers(registry_key(environment)))
        return _living({k: (client.pttl(k), client.hmget(k, _WORKER_FIELDS)) for k in keys}, now)

    return patiently(ask, retry_for_s)


async def live_workers_async(
    client: redis.asyncio.Redis, environment: str, now: datetime
) -> tuple[LiveWorker, ...]:
    """See `live_workers`."""

    async def ask() -> tuple[LiveWorker, ...]:
        members: Any = await client.smembers(registry_key(environment))
        keys = [_text(key) for key in members]
        found = {k: (await client.pttl(k), await client.hmget(k, _WORKER_FIELDS)) for k in keys}
        return _living(found, now)

    return await patiently_async(ask)


def registry_key(environment: str) -> str:
    """The set of the hashes of an environment's workers."""
    return str(WORKERS_BY_QUEUE_KEY % queue_name(environment))


def _living(
    records: Mapping[str, tuple[int, Sequence[Any]]], now: datetime
) -> tuple[LiveWorker, ...]:
    living = []
    for key, (left_ms, values) in sorted(records.items()):
        state, hostname, pid, death, stopped = (_text(value) for value in values)
        age_s = HEARTBEAT_TTL_S - left_ms / 1000
        if left_ms > 0 and not death and _pid(pid) and age_s < HEARTBEAT_FRESH_S:
            at = now - timedelta(seconds=age_s)
            name = key.removeprefix(_WORKER_KEY)
            living.append(LiveWorker(name, hostname, _pid(pid), state, at, _pid(stopped)))
    return tuple(living)


def _pid(value: str) -> int:
    """0 for what is none: a hash may have lost its fields, or got others from anybody."""
    return int(value) if value.isascii() and value.isdecimal() and len(value) <= _PID_DIGITS else 0


def _text(value: bytes | str | None) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else value or ""
