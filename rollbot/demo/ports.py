"""Ports on loopback for what the demo starts."""

from __future__ import annotations

import random
import socket

# Below the kernel's own range for outgoing connections (32768 and up), so that none takes one
# between our look and the server's bind.
_RANGE = range(24_000, 32_000)


def kept_ports(count: int) -> tuple[socket.socket, ...]:
    """Return sockets on so many different ports: while they are open, no other demo takes these.

    They do not listen. A server that sets SO_REUSEADDR, as all of the demo's do, binds beside one
    (Linux: as long as nobody listens there), and so it may again after its end.
    """
    kept: list[socket.socket] = []
    while len(kept) < count:
        keeper = socket.socket()
        if _takes(keeper, random.choice(_RANGE)):  # noqa: S311 - not a secret
            kept.append(keeper)
        else:
            keeper.close()
    return tuple(kept)


def is_free(port: int) -> bool:
    """Whether nobody has this port of loopback now, listening or not."""
    with socket.socket() as probe:
        return _takes(probe, port)


def _takes(keeper: socket.socket, port: int) -> bool:
    try:
        # Without SO_REUSEADDR: a port that somebody else keeps is refused.
        keeper.bind(("127.0.0.1", port))
    except OSError:
        return False
    keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return True
