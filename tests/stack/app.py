"""A stand-in for one service of Samokoder: standard library only, one file, quick to start.

It serves what rollbot reads from the real one: `/health`, `/version`, `/metrics` and a page for
users at `/`. `BEHAVIOUR` tells how this release behaves:

- `ok`: well
- `bad`: starts, and then fails its users: `/health` says 503, `/` says 500
- `never`: `/health` never says anything but 503, "starting"
- `slow`: like `never` for `SLOW_S` seconds, then like `ok`
- `crash`: ends with exit code 1 as soon as it is started
- `stubborn`: well, but deaf to SIGTERM as PID 1 often is

Called with `idle` it serves nothing and waits: the place of Postgres and Redis.
"""

import json
import os
import signal
import sys
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from types import FrameType

SERVICE = os.environ.get("SERVICE", "api")
VERSION = os.environ.get("VERSION", "unknown")
REVISION = os.environ.get("REVISION", "unknown")
BEHAVIOUR = os.environ.get("BEHAVIOUR", "ok")
SLOW_S = float(os.environ.get("SLOW_S", "3"))
STARTED = time.monotonic()

requests_by_status: Counter[int] = Counter()
counting = Lock()


def health() -> tuple[int, str]:
    match BEHAVIOUR:
        case "bad":
            return 503, "failing"
        case "never":
            return 503, "starting"
        case "slow" if time.monotonic() - STARTED < SLOW_S:
            return 503, "starting"
        case _:
            return 200, "ok"


def metrics() -> str:
    lines = ["# TYPE samokoder_http_requests_total counter"]
    with counting:
        counted = sorted(requests_by_status.items())
    for status, count in counted:
        lines.append(f'samokoder_http_requests_total{{status="{status}"}} {count}')
    lines += [
        "# TYPE samokoder_build_info gauge",
        f'samokoder_build_info{{service="{SERVICE}",version="{VERSION}"}} 1',
        "",
    ]
    return "\n".join(lines)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        match self.path.partition("?")[0]:
            case "/health":
                status, word = health()
                self.answer(status, {"status": word, "service": SERVICE, "version": VERSION})
            case "/version":
                self.answer(200, {"version": VERSION, "revision": REVISION, "service": SERVICE})
            case "/metrics":
                self.reply(200, "text/plain; version=0.0.4", metrics())
            case "/":
                failing = BEHAVIOUR == "bad"
                self.count(500 if failing else 200)
                self.answer(500 if failing else 200, {"ok": not failing})
            case _:
                self.count(404)
                self.answer(404, {"detail": "Not Found"})

    def count(self, status: int) -> None:
        with counting:
            requests_by_status[status] += 1

    def answer(self, status: int, body: dict[str, object]) -> None:
        self.reply(status, "application/json", json.dumps(body))

    def reply(self, status: int, content_type: str, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        sys.stdout.write(f"{SERVICE} {VERSION}: {format % args}\n")
        sys.stdout.flush()


def leave(signum: int, frame: FrameType | None) -> None:
    os._exit(0)


def main(handler: type[Handler] = Handler) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN if BEHAVIOUR == "stubborn" else leave)
    if sys.argv[1:] == ["idle"]:
        while True:
            signal.pause()
    if BEHAVIOUR == "crash":
        sys.exit(f"{SERVICE} {VERSION}: cannot start")
    # A published port leads to every interface of the container, so all of them are served.
    server = ThreadingHTTPServer(("0.0.0.0", int(os.environ.get("PORT", "8000"))), handler)
    server.daemon_threads = True
    server.serve_forever()


if __name__ == "__main__":
    main()
