"""Ports on loopback for what the demo starts."""

from __future__ import annotations

import random
import socket

# Below the kernel's own range for outgoing connections (32768 and up), so that none takes one
# between our look and the server's bind.
_RANGE = range(24_000, 32_000)


def free_ports(count: int) -> tuple[int, ...]:
    """So many different ports that nobody listens on now."""
    found: set[int] = set()
    while len(found) < count:
        port = random.choice(_RANGE)  # noqa: S311 - not a secret
        if port not in found and is_free(port):
            found.add(port)
    return tuple(found)


def is_free(port: int) -> bool:
    """Whether nobody listens on this port of loopback now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
