"""What a killed worker leaves behind, and how the next one on its host takes it up at once."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import redis
import structlog
from rq import Queue
from rq.exceptions import NoSuchJobError
from rq.job import Job
from rq.worker_registration import REDIS_WORKER_KEYS

from commands.store.keys import queue_name
from commands.store.queue import SERIALIZER, DriveQueue, registry_key
from commands.store.refusal import refusal, rollback_id

log = structlog.get_logger()


class Inheritance:
    """What workers of this host left behind when they were killed. Safe to take twice."""

    def __init__(
        self,
        client: redis.Redis,
        environment: str,
        jobs: DriveQueue,
        allowed: frozenset[str],
    ) -> None:
        self._client, self._environment = client, environment
        self._jobs, self._allowed = jobs, allowed
        self._queue = Queue(queue_name(environment), connection=client, serializer=SERIALIZER)

    def take(self, heir: str) -> None:
        """Queue their jobs anew and forget those workers. Raises what redis-py raises."""
        dead, alive = self._workers(heir)
        registry = self._queue.started_job_registry
        started = registry.get_job_and_execution_ids(cleanup=False)
        lost = {job_id for job_id, _ in started if self._worker_of(job_id) not in alive}
        if not alive:
            lost |= set(self._queue.intermediate_queue.get_job_ids())
        for entry in started:
            if entry[0] in lost:
                self._client.zrem(registry.key, ":".join(entry))
        for job_id in sorted(lost):
            self._again(job_id)
        for key in dead:
            self._client.srem(REDIS_WORKER_KEYS, key)
            self._client.srem(registry_key(self._environment), key)
            self._client.delete(key)

    def _again(self, job_id: str) -> None:
        try:
            job = Job.fetch(job_id, connection=self._client, serializer=SERIALIZER)
        except NoSuchJobError:
            self._jobs.discard(job_id)
            return
        except (ValueError, KeyError, TypeError) as error:
            log.warning("job_refused", job=job_id, why=str(error))
            self._jobs.discard(job_id)
            return
        if why := refusal(job, self._allowed):
            log.warning("job_refused", job=job_id, why=why)
            self._jobs.discard(job_id)
            return
        log.info("job_taken_up", job=job_id)
        self._jobs.replace(job_id, rollback_id(job))

    def _worker_of(self, job_id: str) -> str:
        name: Any = self._client.hget(Job.key_for(job_id), "worker_name")
        return name.decode() if name else ""

    def _workers(self, heir: str) -> tuple[list[str], set[str]]:
        """Keys of the dead ones of this host; names of the others, the heir left out."""
        dead, alive = [], set()
        here = os.uname().nodename
        members: Any = self._client.smembers(registry_key(self._environment))
        for key in sorted(member.decode() for member in members):
            name = key.removeprefix("rq:worker:")
            values: Any = self._client.hmget(key, ("hostname", "pid"))
            hostname, pid = (value.decode() if value else "" for value in values)
            if name == heir:
                continue
            if not pid or (hostname == here and not _is_other_process(int(pid))):
                dead.append(key)
            else:
                alive.add(name)
        return dead, alive


def _is_other_process(pid: int) -> bool:
    """Whether a process of this pid runs that is not ourselves (pid 1 of a new container is)."""
    if pid == os.getpid():
        return False
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
