"""Somebody's long transaction in the way of a migration, and a reader behind it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Self

import psycopg

from tests.stack.database import DatabaseStack


class Locker:
    """Somebody's report that begins when `after` says so, and keeps its lock.

    Who comes before the migration's own step is shown out by it. Another reader comes every so
    often; `others_waited_s` is its longest wait.
    """

    def __init__(self, stack: DatabaseStack, after: Callable[[], bool]) -> None:
        self.stack, self.after, self.others_waited_s = stack, after, 0.0
        self._over = threading.Event()
        self._threads = [threading.Thread(target=t) for t in (self._lock, self._read)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *problem: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(60)

    def _lock(self) -> None:
        self._await_begin()
        with psycopg.connect(self.stack.dsn, application_name="nightly report") as report:
            report.execute("SELECT count(*) FROM projects")
            self._over.wait(300)

    def _read(self) -> None:
        self._await_begin()
        with psycopg.connect(self.stack.dsn, autocommit=True) as reader:
            while not self._over.wait(0.05):
                began = time.monotonic()
                reader.execute("SELECT count(*) FROM projects")
                self.others_waited_s = max(self.others_waited_s, time.monotonic() - began)

    def _await_begin(self) -> None:
        while not self._over.wait(0.02):
            if self.after():
                return
