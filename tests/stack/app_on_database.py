"""The stand-in service with Samokoder's database behind it: `app.py` and two more pages.

- `GET /projects`: the number of projects and the newest ones
- `POST /projects`: writes one, 201 with its `id`

Each reads and writes the `COLUMNS` that its release knows. What the database refuses is a 500 that
names the error; what it keeps waiting, waits. `SESSIONS` idle sessions stay open, as a pool's do,
and open again when somebody ends them.
"""

import os
import time
from threading import Thread
from typing import Any

import psycopg
from psycopg import sql

from tests.stack import app

COLUMNS = os.environ.get("COLUMNS", "title").split(",")
SESSIONS = int(os.environ.get("SESSIONS", "2"))
_NAMES = sql.SQL(", ").join(sql.Identifier(name) for name in COLUMNS)
_NEWEST = sql.SQL("SELECT id, {} FROM projects ORDER BY id DESC LIMIT 3").format(_NAMES)
_WRITE = sql.SQL(
    "INSERT INTO projects (owner_id, {}) VALUES ((SELECT min(id) FROM users), {}) RETURNING id"
).format(_NAMES, sql.SQL(", ").join([sql.Placeholder()] * len(COLUMNS)))


def connected() -> psycopg.Connection[tuple[Any, ...]]:
    url = os.environ["DATABASE_URL"]
    return psycopg.connect(url, application_name=app.SERVICE, connect_timeout=10)


def read() -> tuple[int, dict[str, object]]:
    with connected() as link:
        row = link.execute("SELECT count(*) FROM projects").fetchone()
        newest = link.execute(_NEWEST).fetchall()
    return 200, {"count": row[0] if row else 0, "newest": [list(row) for row in newest]}


def write() -> tuple[int, dict[str, object]]:
    with connected() as link:
        row = link.execute(_WRITE, [f"written by {app.VERSION}"] * len(COLUMNS)).fetchone()
    return 201, {"id": row[0] if row else 0}


class Handler(app.Handler):
    def do_GET(self) -> None:  # noqa: N802 - the library's name
        if self.path == "/projects":
            self.ask("reading")
        else:
            super().do_GET()

    def do_POST(self) -> None:  # noqa: N802 - the library's name
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.ask("writing")

    def ask(self, what: str) -> None:
        try:
            status, body = read() if what == "reading" else write()
        except psycopg.Error as error:
            status, body = 500, {"error": type(error).__name__, "detail": str(error)}
        self.count(status)
        self.answer(status, body)


def keep_a_session() -> None:
    while True:
        try:
            with connected() as link:
                while True:
                    link.execute("SELECT 1")
                    link.commit()
                    time.sleep(1)
        except psycopg.Error:
            time.sleep(0.2)  # ended, or not there yet


if __name__ == "__main__":
    if app.BEHAVIOUR != "crash" and "DATABASE_URL" in os.environ:
        for _ in range(SESSIONS):
            Thread(target=keep_a_session, daemon=True).start()
    app.main(Handler)
