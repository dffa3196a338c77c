"""Jobs for the worker's tests, run in real job processes; what they do is told by files."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from workers import stopping
from workers.adapters.children import run
from workers.lease import Lease

FOLDER = "WORKER_TEST_FOLDER"


def folder() -> Path:
    return Path(os.environ[FOLDER])


def say(name: str, words: str = "") -> None:
    """Leave a file, whole or not at all."""
    part = folder() / f".{name}.part"
    part.write_text(words)
    part.rename(folder() / name)


def wait_for(name: str) -> None:
    while not (folder() / name).exists():
        time.sleep(0.005)


def drive(rollback_id: str) -> None:
    """What RB-n does is written in the file `do-RB-n`; without one it only says it ran."""
    with (folder() / "runs").open("a") as runs:
        runs.write(f"{rollback_id} {time.time()}\n")
    what = folder() / f"do-{rollback_id}"
    if what.exists():
        globals()[what.read_text()](rollback_id)


def cooperate(rollback_id: str) -> None:
    """Finish the step, then look whether to stop."""
    say("started", str(os.getpid()))
    wait_for("finish-step")
    say("step-done")
    say("asked-to-stop", str(stopping.after_step_requested()))


def fail(rollback_id: str) -> None:
    raise ValueError("password=hunter2")


def never_end(rollback_id: str) -> None:
    say("started", str(os.getpid()))
    while True:
        time.sleep(0.05)


def ignore_everything(rollback_id: str) -> None:
    say("started", str(os.getpid()))
    while True:
        try:
            time.sleep(0.05)
        except BaseException:  # noqa: BLE001 -- the very thing that the worker must survive
            say("refused-to-stop")


def hold_lease(rollback_id: str) -> None:
    """A child and its grandchild hold the lease; the grandchild outlives us all for a while."""
    grandchild = (
        "import os, sys, time, pathlib; folder = pathlib.Path(sys.argv[1])\n"
        "(folder / 'part').write_text(f'{os.getppid()} {os.getpid()}')\n"
        "(folder / 'part').rename(folder / 'started')\n"
        "while not (folder / 'end').exists(): time.sleep(0.01)\n"
    )
    lease = Lease(folder(), "production")
    with lease.acquire(60) as held:
        script = f'"{sys.executable}" -c "$CODE" "{folder()}" & wait'
        env = {"CODE": grandchild}
        run(["/bin/sh", "-c", script], timeout_s=60, env=env, lease_fd=held.fd)
