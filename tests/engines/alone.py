"""One at a time among the processes of a test run, for what they share on a machine."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import gettempdir


@contextmanager
def alone(at: str) -> Iterator[None]:
    """Wait until no other process is at it; until the block ends none is.

    On a fresh machine several would make the same image at once: one tag, two digests.
    """
    with Path(gettempdir(), f"rollbot-tests-{at}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
