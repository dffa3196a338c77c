"""A small Samokoder: one service of one version that really answers its users.

`python -m rollbot.demo.samokoder --service api --version v1.3.0 --port 8000`

How a version behaves is part of the version, as in life: `api` v1.3.0 starts, then fails whoever
uses it, as v1.4.0 does; v1.3.1 fails in `frontend`, too; v1.9.9 never gets healthy; v1.9.8 crashes
shortly after its start; all others are well. With DATABASE_URL `/projects` is kept there.
SIGTERM ends it at once.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socketserver
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from rollbot.demo.death import die_with
from rollbot.demo.projects import URL_VARIABLE, Projects

_CRASH_AFTER_S = 0.3


class Behaviour(StrEnum):
    """What users and health checks meet."""

    WELL = "well"
    FAILS_USERS = "fails users"
    NEVER_HEALTHY = "never healthy"
    CRASHES = "crashes"


_BY_VERSION = {
    ("api", "v1.3.0"): Behaviour.FAILS_USERS,
    ("api", "v1.3.1"): Behaviour.FAILS_USERS,
    ("api", "v1.4.0"): Behaviour.FAILS_USERS,
    ("frontend", "v1.3.1"): Behaviour.FAILS_USERS,
    ("api", "v1.9.9"): Behaviour.NEVER_HEALTHY,
    ("api", "v1.9.8"): Behaviour.CRASHES,
}
_PAGE = """<!doctype html><title>Samokoder</title>
<h1>Samokoder {service}</h1><p>{version}</p>
"""


def behaviour_of(service: str, version: str) -> Behaviour:
    """How this version of this service behaves; unknown ones are well."""
    return _BY_VERSION.get((service, version), Behaviour.WELL)


@dataclass(slots=True)
class Service:
    """One running service: what it is and what it has answered so far."""

    name: str
    version: str
    revision: str
    projects: Projects | None = None
    answered: Counter[int] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def is_well(self) -> bool:
        """Whether users and health checks get what they ask for."""
        return behaviour_of(self.name, self.version) is Behaviour.WELL

    def answer(self, path: str) -> tuple[HTTPStatus, str, str]:
        """Status, content type and body for one GET; counts users' requests only."""
        match path.partition("?")[0]:
            case "/health":
                return self._health()
            case "/version":
                body = {"version": self.version, "revision": self.revision}
                return HTTPStatus.OK, "application/json", json.dumps(body)
            case "/metrics":
                return HTTPStatus.OK, "text/plain; version=0.0.4; charset=utf-8", self._metrics()
            case "/projects" if self.projects:
                return _as_json(*self.projects.count())
            case "/":
                return self._page()
            case _:
                return HTTPStatus.NOT_FOUND, "text/plain", "not found\n"

    def accept(self, path: str) -> tuple[HTTPStatus, str, str]:
        """Status, content type and body for one POST."""
        if path != "/projects" or self.projects is None:
            return HTTPStatus.NOT_FOUND, "text/plain", "not found\n"
        return _as_json(*self.projects.add())

    def _health(self) -> tuple[HTTPStatus, str, str]:
        status = HTTPStatus.OK if self.is_well else HTTPStatus.SERVICE_UNAVAILABLE
        health = "healthy" if self.is_well else "unhealthy"
        return _as_json(status, {"status": health, "version": self.version})

    def _page(self) -> tuple[HTTPStatus, str, str]:
        status = HTTPStatus.OK if self.is_well else HTTPStatus.INTERNAL_SERVER_ERROR
        with self.lock:
            self.answered[status] += 1
        body = _PAGE.format(service=self.name, version=self.version)
        return status, "text/html; charset=utf-8", body if self.is_well else "Internal error\n"

    def _metrics(self) -> str:
        """Request counts in Prometheus' text format 0.0.4."""
        name = "samokoder_http_requests_total"
        lines = [f"# HELP {name} Requests of users.", f"# TYPE {name} counter"]
        with self.lock:
            counts = sorted(self.answered.items())
        lines += [f'{name}{{status="{int(status)}"}} {count}' for status, count in counts]
        return "\n".join(lines) + "\n"


def _as_json(status: HTTPStatus, body: dict[str, object]) -> tuple[HTTPStatus, str, str]:
    return status, "application/json", json.dumps(body)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 65536  # headers and body in one packet
    service: Service

    def do_GET(self) -> None:
        self._reply(*self.service.answer(self.path))

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self._reply(*self.service.accept(self.path))

    def _reply(self, status: HTTPStatus, content_type: str, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing: health is asked many times a second."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def server_bind(self) -> None:
        """Bind without `HTTPServer`'s look-up of the host's full name, which may ask a DNS."""
        socketserver.TCPServer.server_bind(self)


def serve(service: Service, host: str, port: int) -> None:
    """Answer on this address until the process is ended. Raises OSError on a port in use."""
    handler = type("Handler", (_Handler,), {"service": service})
    with _Server((host, port), handler) as server:
        server.serve_forever()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="samokoder")
    parser.add_argument("--service", required=True)
    parser.add_argument("--version", required=True)
    parser.add_argument("--revision", default="unknown")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, help="without one the service only runs, like a store")
    parser.add_argument("--owner-pid", type=int, help="end when this parent process ends")
    return parser.parse_args()


def main() -> None:
    """Run one service until it is told to end."""
    arguments = _arguments()
    # A container's first process is spared by the kernel unless it says what to do.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    if arguments.owner_pid is not None:
        die_with(arguments.owner_pid)
    if behaviour_of(arguments.service, arguments.version) is Behaviour.CRASHES:
        time.sleep(_CRASH_AFTER_S)
        sys.exit("fatal: cannot load settings")
    if arguments.port is None:
        signal.pause()
    else:
        service = Service(arguments.service, arguments.version, arguments.revision)
        # It plays the customer's program, which reads its own environment.
        if url := os.environ.get(URL_VARIABLE):  # noqa: TID251
            service.projects = Projects(url, arguments.version)
        serve(service, arguments.host, arguments.port)


if __name__ == "__main__":
    main()
