"""A job that only says when it started."""

from __future__ import annotations

import os
import time
from pathlib import Path


def drive(rollback_id: str) -> None:
    """Write the time down under the rollback's name."""
    place = Path(os.environ["BENCH_DIRECTORY"], rollback_id)
    place.with_suffix(".new").write_text(repr(time.time()))
    place.with_suffix(".new").rename(place)


def serve() -> None:
    """A worker for these jobs."""
    from workers.main import serve as work

    work(os.environ["REDIS_URL"], "production", "tests.bench.started.drive")


if __name__ == "__main__":
    serve()
