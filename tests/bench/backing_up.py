"""A database of 1 GB: the runbook's `pg_dump | gzip` against a backup, its proof, a downgrade."""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tests.bench.places import Line
from tests.engines.found import address_of
from tests.engines.postgres_server import PostgresServer
from tests.stack.schema import alembic, lay_out, migrate, seed
from workers.adapters.backups import BackupFolder
from workers.adapters.postgres.building import managed
from workers.adapters.postgres.database import Postgres
from workers.adapters.surroundings import Surroundings
from workers.jobs import SystemClock
from workers.proving import Proof

NAME, SCRATCH = "samokoder", "samokoder_scratch"
FILES = 2_500_000
LONG_S = 600.0


@dataclass(slots=True)
class Reader:
    """One user who never stops asking; `longest_s` is the worst answer."""

    server: PostgresServer
    longest_s: float = 0.0
    _over: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def asking(self) -> Iterator[None]:
        self.longest_s, asker = 0.0, threading.Thread(target=self._ask)
        self._over.clear()
        asker.start()
        try:
            yield
        finally:
            self._over.set()
            asker.join()

    def _ask(self) -> None:
        with self.server.connect(NAME) as link:
            while not self._over.is_set():
                began = time.monotonic()
                link.execute("SELECT title FROM projects LIMIT 1")
                self.longest_s = max(self.longest_s, time.monotonic() - began)
                self._over.wait(0.001)


def measure(runs: int) -> Iterator[Line]:
    """The customer's backup, ours, the proof, then how long a reader waited in each of ours."""
    settings = {"shared_buffers": "256MB", "max_wal_size": "4GB"}
    server = PostgresServer(Path(address_of("postgresql")), settings=settings)
    with tempfile.TemporaryDirectory(prefix="rollbot-bench-") as folder:
        try:
            server.create()
            yield from _measured(server, Path(folder), runs)
        finally:
            server.remove()


def _measured(server: PostgresServer, folder: Path, runs: int) -> Iterator[Line]:
    dsn = server.create_database(NAME)
    migrate(folder, dsn, "v1.3.0")
    seed(dsn, users=1_000, projects=10_000, files=FILES)
    around = Surroundings({"PATH": f"{server.programs}:{os.environ['PATH']}"})
    database = managed(dsn, "ROLLBOT_DATABASE_URL_BENCH", around, "rollbot RB-1")
    size = f"{database.size_bytes(NAME) / 1e9:.2f} GB"
    theirs, ours, blocked = list[float](), list[float](), list[float]()
    reader, backups = Reader(server), BackupFolder(folder, SystemClock())
    for _ in range(runs):
        theirs.append(_timed(lambda: _gzip(server, dsn, folder)))
        with reader.asking():
            path = backups.new_path(NAME, "RB-1")
            ours.append(_timed(partial(database.dump, NAME, path, LONG_S)))
        blocked.append(reader.longest_s * 1000)
    yield Line(f"backup of {size}: pg_dump | gzip", tuple(theirs))
    share = f"{sum(ours) / sum(theirs):.0%} of it"
    yield Line(f"backup of {size}: rollbot, counted and hashed", tuple(ours), share)
    yield Line("longest a reader waited during the backup", tuple(blocked))
    record = backups.listed(NAME)[0]
    proof = Proof(backups, database, backups.clock, like=NAME)
    proven = _timed(lambda: proof.of(record, SCRATCH, LONG_S))
    yield Line("proof: read whole, restored, every table counted", (proven,))
    yield _downgrade(database, reader, lay_out(folder, "v1.3.0"), dsn)


def _downgrade(database: Postgres, reader: Reader, project: Path, dsn: str) -> Line:
    with reader.asking(), database.watch(NAME, 5) as watch:
        alembic(project, dsn, "downgrade", "r05")
    seen = f"seen from outside: {watch.seen.blocked_s * 1000:.0f} ms"
    return Line("longest a reader waited during the downgrade", (reader.longest_s * 1000,), seen)


def _gzip(server: PostgresServer, dsn: str, folder: Path) -> None:
    script = f"{server.programs}/pg_dump {dsn} | gzip > {folder}/theirs.sql.gz"
    subprocess.run(["sh", "-c", script], check=True)


def _timed(act: Callable[[], object]) -> float:
    """Milliseconds."""
    began = time.monotonic()
    act()
    return (time.monotonic() - began) * 1000
