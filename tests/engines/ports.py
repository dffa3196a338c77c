"""Ports on loopback for servers that a test starts."""

import os
import random
from collections.abc import Iterator
from functools import cache
from itertools import cycle

from rollbot.demo.ports import is_free

# Below the kernel's own range for outgoing connections (32768 and up), so that none takes one
# between our look and the server's bind; and below the demo's.
_RANGE = range(12_000, 24_000)
_SHARES = 12


def free_port() -> int:
    """Return a port that nobody listens on now, and that no other test of this run was given.

    Every process of the run goes round in a share of its own: a port that was given and that
    nobody listens on yet comes again only after a thousand others.
    """
    return next(port for port in _round() if is_free(port))


@cache
def _round() -> Iterator[int]:
    share = _RANGE[int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % _SHARES :: _SHARES]
    return cycle(random.sample(share, len(share)))
