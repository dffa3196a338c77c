"""A way to an engine that a test can cut, while the engine itself goes on for everybody else."""

import socket
import threading
from pathlib import Path
from urllib.parse import urlsplit


class Forwarder:
    """Listens on a unix socket of its own and hands everything on to the engine's."""

    def __init__(self, directory: Path, engine_url: str) -> None:
        self.path = directory / "engine.sock"
        self.url = f"unix://{self.path}"
        self._engine = urlsplit(engine_url).path
        self._links: list[socket.socket] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.path))
        self._listener.listen()
        self._threads: list[threading.Thread] = []
        self._server = threading.Thread(target=self._serve, daemon=True)
        self._server.start()

    def cut(self) -> None:
        """End every connection and take no more. Safe to repeat."""
        self.path.unlink(missing_ok=True)
        _end(self._listener)
        self._server.join()
        for link in self._links:
            _end(link)
        for thread in self._threads:
            thread.join()

    def _serve(self) -> None:
        while True:
            try:
                caller, _ = self._listener.accept()
            except OSError:
                return
            engine = socket.socket(socket.AF_UNIX)
            engine.connect(self._engine)
            self._links += [caller, engine]
            for source, sink in ((caller, engine), (engine, caller)):
                thread = threading.Thread(target=_hand_on, args=(source, sink), daemon=True)
                self._threads.append(thread)
                thread.start()


def _hand_on(source: socket.socket, sink: socket.socket) -> None:
    try:
        while chunk := source.recv(64 * 1024):
            sink.sendall(chunk)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        return


def _end(link: socket.socket) -> None:
    try:
        link.shutdown(socket.SHUT_RDWR)
    except OSError:
        # It had ended by itself.
        return
    finally:
        link.close()
