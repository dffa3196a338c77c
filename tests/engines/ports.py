"""Ports on loopback for servers that a test starts."""

import random
import socket

# Below the kernel's own range for outgoing connections (32768 and up), so that none takes one
# between our look and the server's bind.
_RANGE = range(20_000, 32_000)


def free_port() -> int:
    """Return a port that nobody listens on now."""
    while True:
        port = random.choice(_RANGE)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
