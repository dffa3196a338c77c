"""`rollbot alive`, as a container's health check calls it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from click.testing import CliRunner, Result

from commands.domain.observed import ObservedRecord
from commands.domain.text import text
from commands.settings import read_settings
from commands.store.opening import Access, Store, open_store
from rollbot.alive import alive
from tests.engines.found import ROOT
from tests.engines.ports import free_port
from tests.engines.redis_server import RedisServer


@pytest.fixture
def store(
    embedded_redis: RedisServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Store]:
    """The memory that the called command opens too."""
    monkeypatch.setenv("ROLLBOT_RUNBOOK", str(ROOT / "commands/data/runbook.toml"))
    monkeypatch.setenv("ROLLBOT_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("ROLLBOT_ENV", "production")
    monkeypatch.setenv("ROLLBOT_JOURNAL_KEY_PRODUCTION", "k" * 64)
    monkeypatch.setenv("REDIS_URL", embedded_redis.url)
    opened = open_store(Access.of(read_settings(), "production"))
    yield opened
    opened.client.close()


def _ask(process: str) -> Result:
    return CliRunner().invoke(alive, [process])


def _record(store: Store, age: timedelta, *, engine_gone: bool = False) -> None:
    at = datetime.now(UTC) - age
    error = text("error.engine") if engine_gone else None
    store.records.put(ObservedRecord(at=at, engine_error=error), at)


def test_a_host_without_a_worker_is_not_well(store: Store) -> None:
    """No heartbeat in the queue: exit 1, and the reason."""
    said = _ask("worker")

    assert said.exit_code == 1
    assert "no worker of production" in said.stderr


def test_an_observer_that_never_wrote_is_not_well(store: Store) -> None:
    """Without a record there is nothing to trust."""
    assert _ask("observer").exit_code == 1


@pytest.mark.parametrize(("age_s", "code"), [(5, 0), (60, 1)])
def test_an_observer_is_as_well_as_its_record_is_fresh(store: Store, age_s: int, code: int) -> None:
    """Three missed rounds make the observer unwell."""
    _record(store, timedelta(seconds=age_s))

    assert _ask("observer").exit_code == code


def test_an_observer_whose_engine_is_gone_says_so(store: Store) -> None:
    """A fresh record of an engine that does not answer is no health."""
    _record(store, timedelta(), engine_gone=True)

    said = _ask("observer")

    assert said.exit_code == 1
    assert "engine" in said.stderr


@contextmanager
def _a_bot_that_answers(status: int) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/healthz" else 404)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1)])
def test_a_bot_is_as_well_as_it_says(
    monkeypatch: pytest.MonkeyPatch, status: int, code: int
) -> None:
    """The bot's own answer decides."""
    with _a_bot_that_answers(status) as address:
        monkeypatch.setenv("ROLLBOT_LISTEN", address)

        assert _ask("bot").exit_code == code


def test_a_bot_that_does_not_answer_is_not_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody at the address: exit 1."""
    monkeypatch.setenv("ROLLBOT_LISTEN", f"127.0.0.1:{free_port()}")

    assert _ask("bot").exit_code == 1
