"""An engine that is away, silent or no engine at all is named as such, in time."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from commands.domain.errors import (
    DiskFullError,
    EngineError,
    EngineUnavailableError,
    ImageNotFoundError,
    RegistryUnavailableError,
)
from workers.adapters.engine import Engine, failure, registry_failure

REFERENCE = "registry:5000/api:v1"


@pytest.fixture
def listening(tmp_path: Path) -> Iterator[Callable[[bytes], str]]:
    """Something at a socket that says one thing to everybody, or nothing at all."""
    ended = threading.Event()
    threads: list[threading.Thread] = []
    listener = socket.socket(socket.AF_UNIX)
    listener.settimeout(0.05)

    def serve(words: bytes) -> None:
        callers = []
        while not ended.is_set():
            try:
                caller, _ = listener.accept()
            except TimeoutError:
                continue
            callers.append(caller)
            if words:
                caller.recv(64 * 1024)
                caller.sendall(words)
                caller.shutdown(socket.SHUT_RDWR)
        for caller in callers:
            caller.close()

    def listen(words: bytes) -> str:
        listener.bind(str(tmp_path / "engine.sock"))
        listener.listen()
        threads.append(threading.Thread(target=serve, args=(words,)))
        threads[0].start()
        return f"unix://{tmp_path}/engine.sock"

    yield listen
    ended.set()
    for thread in threads:
        thread.join()
    listener.close()


def test_an_engine_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    """The error names the address that was tried."""
    url = f"unix://{tmp_path}/nothing.sock"

    with pytest.raises(EngineUnavailableError) as away:
        Engine(url).version()

    assert away.value.facts["engine"] == url


def test_an_engine_that_says_nothing_is_unavailable_in_time(
    listening: Callable[[bytes], str],
) -> None:
    """A hung daemon takes the connection and never answers."""
    began = time.monotonic()

    with pytest.raises(EngineUnavailableError):
        Engine(listening(b""), ping_s=1).version()

    assert time.monotonic() - began < 15


@pytest.mark.parametrize(
    "words",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnope",
    ],
)
def test_what_is_no_engine_is_unavailable(listening: Callable[[bytes], str], words: bytes) -> None:
    """Whatever answers there, people read one message of ours."""
    with pytest.raises(EngineError):
        Engine(listening(words), ping_s=1).version()


def test_a_wrong_address_is_unavailable() -> None:
    """A wrong runbook ends in an error of ours, not in a traceback."""
    with pytest.raises(EngineUnavailableError):
        Engine("gopher://nowhere").version()


@pytest.mark.parametrize(
    ("why", "error"),
    [
        ("write /var/lib/docker/tmp/x: no space left on device", DiskFullError),
        ("manifest for registry:5000/api:v1 not found: manifest unknown", ImageNotFoundError),
        ("Get https://registry:5000/v2/: dial tcp: i/o timeout", RegistryUnavailableError),
        ("unauthorized: authentication required", RegistryUnavailableError),
    ],
)
def test_what_a_registry_said_becomes_a_typed_error(why: str, error: type[EngineError]) -> None:
    """The engine has only words for it (Docker 20.10 to 28)."""
    assert type(registry_failure(REFERENCE, why)) is error


def test_what_the_engine_said_keeps_its_reason() -> None:
    """A full disk is told apart; anything else says what it was about, and is kept short."""
    assert type(failure("x", "mkdir: no space left on device")) is DiskFullError
    other = failure(REFERENCE, "driver failed " * 100)
    assert other.facts["what"] == REFERENCE
    assert len(str(other.facts["why"])) <= 300
