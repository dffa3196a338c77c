"""A TCP relay in front of a server that loses a reply when it is told to."""

from __future__ import annotations

import socket
import threading
from types import TracebackType
from typing import Self


class LossyRelay:
    """Forwards connections to a port of loopback; `lost` counts the replies it kept back."""

    def __init__(self, to_port: int) -> None:
        self._to_port = to_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.lost = 0
        self._marker: bytes | None = None
        self._open: list[socket.socket] = []

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for end in (self._listener, *self._open):
            end.close()

    def lose_next_reply_to(self, marker: bytes) -> None:
        """Hand on the next request that contains `marker`, then break instead of answering."""
        self._marker = marker

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._to_port))
            self._open += [client, server]
            threading.Thread(target=self._converse, args=(client, server), daemon=True).start()

    def _converse(self, client: socket.socket, server: socket.socket) -> None:
        """One request and one answer at a time, as a Redis client does it."""
        try:
            while request := client.recv(1 << 20):
                lose = self._marker is not None and self._marker in request
                server.sendall(request)
                answer = server.recv(1 << 20)
                if lose:
                    self._marker = None
                    self.lost += 1
                    break
                client.sendall(answer)
        except OSError:
            return  # The other side is gone, which is how a conversation ends.
        finally:
            client.close()
            server.close()
