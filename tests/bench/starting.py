"""Enqueue to start: how long a job waits for its forked process."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from commands.store.connection import connect
from commands.store.queue import DriveQueue, live_workers
from tests.bench.places import Line, redis_server
from tests.engines.waiting import eventually

JOB = "tests.bench.started.drive"


def measure(runs: int) -> Iterator[Line]:
    """`runs` jobs one after another, each on an idle worker, after one that is not counted."""
    with redis_server() as redis, tempfile.TemporaryDirectory() as directory:
        environment = {**os.environ, "REDIS_URL": redis.url, "BENCH_DIRECTORY": directory}
        worker = subprocess.Popen([sys.executable, "-m", "tests.bench.started"], env=environment)
        try:
            client = connect(redis.url)
            eventually(lambda: live_workers(client, "production", datetime.now(UTC)), within_s=20)
            queue = DriveQueue(client, "production", JOB)
            waits = [_one(queue, Path(directory), number) for number in range(1, runs + 2)]
        finally:
            worker.terminate()
            worker.wait(timeout=20)
    yield Line("enqueue → start of the job", tuple(waits[1:]), "bound: median 15 ms")


def _one(queue: DriveQueue, directory: Path, number: int) -> float:
    name = f"RB-{number}"
    began = time.time()
    queue.enqueue(name, 1)
    started = eventually(lambda: _read(directory / name), within_s=20, every_s=0.005)
    return (float(started) - began) * 1000


def _read(place: Path) -> str:
    return place.read_text() if place.exists() else ""
