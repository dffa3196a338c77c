"""What every `Web` promises: the fake and the real thing against a server on loopback."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

import pytest

from commands.domain.errors import EngineError
from commands.ports import Web
from tests.engines.ports import free_port
from tests.fakes.web import FakeWeb
from workers.adapters.web import HttpWeb

ANSWERS = {
    "/health": (200, b'{"status": "ok"}'),
    "/bad": (503, b'{"status": "starting"}'),
    "/moved": (302, b""),
    "/huge": (200, b"x" * 200_000),
}


class Handler(BaseHTTPRequestHandler):
    """Answers from the table; `/silent` says nothing, `/drip` never ends, `/junk` is no HTTP."""

    release: threading.Event
    headers_seen: list[str]

    def do_GET(self) -> None:
        type(self).headers_seen.append(str(self.headers))
        if self.path == "/silent":
            self.release.wait(60)
        elif self.path == "/junk":
            self.wfile.write(b"\x00\x01 junk\r\n\r\n")
        elif self.path == "/drip":
            self.send_response(200)
            self.end_headers()
            while not self.release.wait(0.05):
                self.wfile.write(b".")
        else:
            status, body = ANSWERS[self.path]
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Location", "/health")
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        return


class Site(NamedTuple):
    """A server on loopback, and the port under test that asks it."""

    web: Web
    url: str
    silent_port: int


@pytest.fixture
def server() -> Iterator[str]:
    """The table above, served; its address."""
    Handler.release, Handler.headers_seen = threading.Event(), []
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        serving = threading.Thread(target=http.serve_forever, args=(0.01,))
        serving.start()
        yield f"http://127.0.0.1:{http.server_address[1]}"
        Handler.release.set()
        http.shutdown()
        serving.join()


@pytest.fixture(params=["fake", "http"])
def site(request: pytest.FixtureRequest, server: str) -> Iterator[Site]:
    """The same answers from memory and over loopback."""
    if request.param == "fake":
        yield Site(FakeWeb({server + path: a for path, a in ANSWERS.items()}), server, free_port())
        return
    web = HttpWeb()
    yield Site(web, server, free_port())
    web.close()


@pytest.mark.parametrize(("path", "status"), [("/health", 200), ("/bad", 503), ("/moved", 302)])
def test_an_answer_is_an_answer_whatever_it_says(site: Site, path: str, status: int) -> None:
    """A bad status is for the check to judge, and a redirect is not followed."""
    answer = site.web.get(site.url + path, timeout_s=20)

    assert (answer.status, answer.body) == (status, ANSWERS[path][1])
    assert answer.seconds > 0


def test_a_huge_answer_is_cut(site: Site) -> None:
    """A service gone wild cannot fill the worker's memory."""
    assert len(site.web.get(site.url + "/huge", timeout_s=20).body) == 64 * 1024


def test_nobody_there_is_an_error_that_names_the_address(site: Site) -> None:
    """A refused connection is one error of ours."""
    url = f"http://127.0.0.1:{site.silent_port}/health"

    with pytest.raises(EngineError) as nobody:
        site.web.get(url, timeout_s=20)

    assert nobody.value.facts["url"] == url


@pytest.mark.parametrize("path", ["/silent", "/drip", "/junk"])
def test_an_answer_that_does_not_come_in_time_is_an_error(server: str, path: str) -> None:
    """Silence, a body without an end and what is no HTTP are no answer."""
    web = HttpWeb()

    with pytest.raises(EngineError):
        web.get(server + path, timeout_s=0.3)

    web.close()


@pytest.mark.parametrize("url", ["", "health", "ftp://127.0.0.1/", "http://[", "http://a\x00b/"])
def test_an_address_that_is_none_is_an_error(url: str) -> None:
    """A wrong runbook ends in an error of ours, not in a traceback."""
    web = HttpWeb()

    with pytest.raises(EngineError):
        web.get(url, timeout_s=1)

    web.close()


def test_a_password_in_the_address_stays_out_of_the_error() -> None:
    """Errors go to the channel."""
    web = HttpWeb()

    with pytest.raises(EngineError) as nobody:
        web.get(f"http://user:canary@127.0.0.1:{free_port()}/", timeout_s=1)

    assert "canary" not in str(nobody.value)
    web.close()


def test_the_proxy_of_the_worker_is_not_asked(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The services are beside the worker, whatever its environment says."""
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    web = HttpWeb()

    assert web.get(server + "/health", timeout_s=20).status == 200

    web.close()
