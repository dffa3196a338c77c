"""The worker process: takes jobs from one queue of RQ and has a forked process drive each.

RQ 3.0.0's own worker leaves a job process alive that outlived it, kills it on the second SIGTERM
and forgets it on the first, runs any function and obeys its channel: this one does none of it.
"""

from __future__ import annotations

import gc
import importlib
import math
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import TYPE_CHECKING, Any

import redis
import structlog
from rq import Queue, Worker
from rq.exceptions import StopRequested
from rq.job import Job
from rq.utils import now
from rq.worker import WorkerStatus
from rq.worker_registration import register

from commands.domain.errors import StoreError
from commands.store.connection import connect
from commands.store.inheritance import Inheritance
from commands.store.keys import queue_name
from commands.store.queue import DRIVE, HEARTBEAT_TTL_S, JOB_STOPPED, SERIALIZER, DriveQueue
from commands.store.refusal import refusal, rollback_id
from workers import stopping
from workers.adapters.children import die_with_parent

if TYPE_CHECKING:
    from redis.client import Pipeline
    from rq.executions import Execution

log = structlog.get_logger()

HEARTBEAT_EVERY_S = 1
KILL_AFTER_S = 5.0
"""How long a job process may take to end at once, before it is killed. Both are resumable."""
DIES_AT_MOST_EVERY_S = 10.0

# RQ adds a minute to a worker's time to live, and looks at the queue for 15 s less than it.
_WORKER_TTL_S = HEARTBEAT_EVERY_S + 15
Hook = Callable[[], Any]
_REDIS_AWAY = (redis.ConnectionError, redis.TimeoutError)


class DriveWorker(Worker):
    """Takes the jobs of one environment, one at a time.

    First SIGTERM or SIGINT: the job process ends after its step. Second: it leaves the step at
    once, and is killed when it does not. Either way the next worker goes on where it stopped.
    """

    max_connection_wait_time = 2.0
    log_result_lifespan = False

    def __init__(
        self, client: redis.Redis, environment: str, function: str, warm: Hook, still: Hook
    ) -> None:
        self._jobs = DriveQueue(client, environment, function)
        self._allowed = frozenset({function})
        self._environment, self._warm = environment, warm
        self._still, self._go_on = still, False
        self._stops, self._kill_at, self._died = 0, math.inf, ("", 0.0)
        super().__init__(
            [Queue(queue_name(environment), connection=client, serializer=SERIALIZER)],
            connection=client,
            serializer=SERIALIZER,
            worker_ttl=_WORKER_TTL_S,
            job_monitoring_interval=HEARTBEAT_EVERY_S,
            log_job_description=False,
            default_result_ttl=0,
            # It would store the traceback, of which nobody has taken the secrets out.
            disable_default_exception_handler=True,
        )

    @property
    def stopped(self) -> bool:
        """Somebody asked this worker to end."""
        return self._stops > 0

    def subscribe(self) -> None:
        """Not to RQ's channel: who can publish there could kill jobs, and it needs a thread."""

    def run_maintenance_tasks(self) -> None:
        """None: RQ's cleaning calls the callbacks of lost jobs; see `Inheritance` for ours."""
        self.last_cleaned_at = now()  # type: ignore[assignment] # RQ declares None

    def bootstrap(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 -- RQ's signature
        """Register, then take up what an earlier worker on this host was killed over."""
        # Before others can see this worker, or SIGTERM could end it without its being struck off.
        for signum in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signum, self.request_stop)
        super().bootstrap(*args, **kwargs)
        Inheritance(self.connection, self._environment, self._jobs, self._allowed).take(self.name)

    def heartbeat(self, timeout: int | None = None, pipeline: Pipeline | None = None) -> None:
        """Always the same time to live, from which others read how old the heartbeat is."""
        del timeout
        # One journey, since it stands between a job and its start.
        own = pipeline or self.connection.pipeline(transaction=False)
        super().heartbeat(HEARTBEAT_TTL_S, own)
        # All of it: after an outage, or frozen for so long, Redis has forgotten who we are.
        said = {**self.serialize(), "state": self.get_state(), JOB_STOPPED: self._still()}
        own.hset(self.key, mapping=said)
        register(self, own)
        if own is not pipeline:
            own.execute()

    def dequeue_job_and_maintain_ttl(
        self, timeout: int | None, max_idle_time: int | None = None
    ) -> tuple[Job, Queue] | None:
        """The next job, past those whose record RQ cannot even read."""
        # In this order: from here on a signal raises, and one that came before is seen.
        self._state = WorkerStatus.IDLE
        if self.stopped:
            raise StopRequested
        with suppress(StoreError):  # It is read again by the job that needs it.
            self._warm()
        while True:
            try:
                return super().dequeue_job_and_maintain_ttl(timeout, max_idle_time)
            except (*_REDIS_AWAY, StopRequested):
                raise
            except Exception as error:
                if not (job_id := getattr(error, "job_id", None)):
                    raise
                log.warning("job_refused", job=job_id, why="its record cannot be read")
                self._jobs.discard(job_id)

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Fork for one of ours; delete anything else."""
        if why := refusal(job, self._allowed):
            log.warning("job_refused", job=job.id, why=why)
            self._jobs.discard(job.id)
            return
        self._go_on = False
        super().execute_job(job, queue)
        if self.stopped or self._go_on:
            # It goes on without waiting for the bot to notice; the next job finds out whether
            # anything is left to do.
            self._jobs.replace(job.id, rollback_id(job))

    def fork_work_horse(self, job: Job, queue: Queue) -> None:
        """Fork; a stop that was asked for in the meantime reaches the new process."""
        super().fork_work_horse(job, queue)
        if self.stopped:
            self._signal_job(stopping.AFTER_STEP_SIGNAL)

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        """Runs in the job process: it does not outlive the worker."""
        die_with_parent(self.pid or 0)
        super().main_work_horse(job, queue)

    def setup_work_horse_signals(self) -> None:
        """Runs in the job process: Ctrl+C is for the worker, SIGTERM means "after this step"."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        stopping.install_in_job()

    def monitor_work_horse(self, job: Job, queue: Queue, execution: Execution) -> None:
        """Wait for the job process, whether or not Redis is there to note it."""
        while True:
            try:
                super().monitor_work_horse(job, queue, execution)
            except _REDIS_AWAY as error:
                log.warning("job_not_noted", job=job.id, why=str(error))
            if not self.horse_pid:
                # It has ended, and the journal has what it did.
                return

    def maintain_heartbeats(self, job: Job, execution: Execution) -> None:
        """Every second while the job process runs."""
        if time.monotonic() >= self._kill_at:
            log.warning("job_process_killed", job=job.id, why="it did not end when asked")
            self._signal_job(signal.SIGKILL)
        super().maintain_heartbeats(job, execution)

    def handle_work_horse_killed(self, job: Job, *wait4: Any) -> None:  # noqa: ANN401 -- RQ's
        """Say so, and go on (under the same job id); not in a loop, if that is what kills it."""
        log.error("job_process_died", job=job.id, wait_status=wait4[1])
        (last_id, last_s), now_s = self._died, time.monotonic()
        self._go_on = last_id != job.id or now_s - last_s > DIES_AT_MOST_EVERY_S
        self._died = (job.id, now_s)

    def handle_exception(self, job: Job, *exc_info: Any) -> None:  # noqa: ANN401 -- RQ's signature
        """What a job raised, into the log, where secrets are taken out."""
        if exc_info[0] is stopping.StepInterrupted:
            log.info("job_interrupted", job=job.id)
        else:
            log.error("job_failed", job=job.id, why=str(exc_info[1]), exc_info=exc_info)

    def handle_job_failure(self, job: Job, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 -- as RQ has it
        """RQ forgets who was at it; then nothing is left, so that it can be queued again."""
        super().handle_job_failure(job, *args, **kwargs)
        self._jobs.discard(job.id)

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        """SIGTERM and SIGINT, the first and every further one."""
        del frame
        if self._is_horse:
            return
        self._stops += 1
        self._stop_requested = True
        log.info("worker_stopping", signal=signal.Signals(signum).name, times=self._stops)
        if self.get_state() == WorkerStatus.IDLE:
            raise StopRequested
        if self._stops == 1:
            self._signal_job(stopping.AFTER_STEP_SIGNAL)
        else:
            self._kill_at = time.monotonic() + KILL_AFTER_S
            self._signal_job(stopping.AT_ONCE_SIGNAL)

    def _signal_job(self, sig: signal.Signals) -> None:
        with suppress(ProcessLookupError):  # It has ended by itself.
            if self.horse_pid:
                os.kill(self.horse_pid, sig)


def serve(
    redis_url: str, environment: str, function: str = DRIVE, warm: Hook = bool, still: Hook = int
) -> None:
    """Work until SIGTERM or SIGINT, through any absence of Redis.

    Imports the job module first and calls `warm` between jobs, so that a forked job process
    starts within milliseconds. `still` is asked at every heartbeat, see `lease.Standstill`.
    """
    stopping.install()
    importlib.import_module(function.rpartition(".")[0])
    # What is imported by now stays: a collection in a job process would copy all its pages.
    gc.freeze()
    client = connect(redis_url)
    worker: DriveWorker | None = None
    with suppress(StopRequested):
        while worker is None or not worker.stopped:
            try:
                following = DriveWorker(client, environment, function, warm, still)
                if worker is None or not worker.stopped:
                    (worker := following).work(logging_level="WARNING")
            except (redis.RedisError, StoreError) as error:
                log.warning("redis_away", why=str(error))
            if worker is None or not worker.stopped:
                time.sleep(1)
