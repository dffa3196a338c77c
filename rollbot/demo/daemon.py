"""The embedded engine as a process of its own: JSON over HTTP on loopback.

`python -m rollbot.demo.daemon --directory D --port N` keeps its things in D. Requests are read on
threads of their own; whatever changes something is handed to the main thread, which also looks
after the containers, so that two `up` never run into each other.
"""

from __future__ import annotations

import argparse
import json
import queue
import signal
import socketserver
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from pydantic import JsonValue, ValidationError

from rollbot.demo.answers import Answers
from rollbot.demo.engine import Engine, RefusedError

_TICK_S = 0.05

Work = Callable[[], JsonValue]


@dataclass(slots=True)
class Loop:
    """The one thread that changes things."""

    engine: Engine
    ending: threading.Event = field(default_factory=threading.Event)
    _jobs: queue.Queue[tuple[Work, Future[JsonValue]]] = field(default_factory=queue.Queue)

    def submit(self, work: Work) -> JsonValue:
        """Have the main thread do it; wait for its answer or its error."""
        answer: Future[JsonValue] = Future()
        self._jobs.put((work, answer))
        return answer.result()

    def run(self) -> None:
        """Do what is handed in and look after the containers, until told to end."""
        while not self.ending.is_set():
            try:
                work, answer = self._jobs.get(timeout=_TICK_S)
            except queue.Empty:
                self.engine.tick()
                continue
            try:
                answer.set_result(work())
            except Exception as error:  # noqa: BLE001 - the asker gets it, whatever it is
                answer.set_exception(error)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 65536
    answers: Answers
    loop: Loop

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        self._answer(lambda: self.answers.read(address.path, dict(parse_qsl(address.query))))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        path = self.path
        self._answer(lambda: self.loop.submit(lambda: self.answers.change(path, body)))

    def _answer(self, work: Work) -> None:
        try:
            status, content = HTTPStatus.OK, work()
        except LookupError as error:
            status, content = HTTPStatus.NOT_FOUND, {"error": str(error)}
        except ValidationError as error:
            status, content = HTTPStatus.BAD_REQUEST, {"error": str(error)}
        except RefusedError as error:
            status, content = HTTPStatus.CONFLICT, {"error": str(error)}
        encoded = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(encoded)))
        self.end_headers()
        self.wfile.write(encoded)

    def log_message(self, *_: object) -> None:
        """Say nothing: effects have a list of their own."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def server_bind(self) -> None:
        """Bind without `HTTPServer`'s look-up of the host's full name, which may ask a DNS."""
        socketserver.TCPServer.server_bind(self)


def serve(directory: Path, port: int) -> None:
    """Run the engine of this directory until SIGTERM or SIGINT; its containers end with it."""
    loop = Loop(Engine.opened(directory))
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, lambda *_: loop.ending.set())
    handler = type("Handler", (_Handler,), {"answers": Answers(loop.engine), "loop": loop})
    with _Server(("127.0.0.1", port), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        loop.run()
        server.shutdown()
    loop.engine.close()


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="rollbot-demo-engine")
    parser.add_argument("--directory", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    arguments = parser.parse_args()
    serve(arguments.directory, arguments.port)


if __name__ == "__main__":
    main()
