"""What every `Proxy` promises: the fake, Traefik and nginx, under a client that never stops."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from commands.database_ports import Proxy
from commands.domain.errors import ProxyError
from commands.domain.runbook import Maintenance
from tests.engines.proxies import ProxyServer
from tests.engines.waiting import eventually
from tests.fakes.proxy import FakeProxy
from workers.adapters.programs import ProgramsOnHost
from workers.adapters.proxy import proxy_of
from workers.adapters.surroundings import Surroundings
from workers.adapters.web import HttpWeb

PROXIES = [pytest.param(n, marks=pytest.mark.engine("nginx")) for n in ("traefik", "nginx")]


class Backend(BaseHTTPRequestHandler):
    """The customer's service: well, whatever it is asked."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        return


@dataclass(slots=True)
class Visitor:
    """A client that never stops asking, each time on a new connection; every answer is kept.

    On a kept one, HTTP lets a server hang up between two requests, which browsers repeat.
    """

    url: str
    answers: list[httpx.Response | None] = field(default_factory=list)
    gone: threading.Event = field(default_factory=threading.Event)

    def ask(self) -> None:
        new = httpx.Limits(max_keepalive_connections=0)
        with httpx.Client(trust_env=False, timeout=5, limits=new) as client:
            while not self.gone.is_set():
                try:
                    self.answers.append(client.get(self.url))
                except httpx.HTTPError:
                    self.answers.append(None)


@pytest.fixture
def backend() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Backend) as http:
        serving = threading.Thread(target=http.serve_forever, args=(0.01,))
        serving.start()
        yield f"http://127.0.0.1:{http.server_address[1]}"
        http.shutdown()
        serving.join()


@pytest.fixture(params=PROXIES)
def server(request: pytest.FixtureRequest, backend: str, tmp_path: Path) -> Iterator[ProxyServer]:
    """The real thing, before a backend that is well."""
    made = ProxyServer(request.param, backend, tmp_path)
    made.start()
    yield made
    made.stop()


def told_by(server: ProxyServer) -> Proxy:
    """The adapter under test, as a worker builds it."""
    maintenance = Maintenance.model_validate(server.maintenance())
    programs = ProgramsOnHost(Surroundings(environment={"PATH": "/usr/sbin:/usr/bin:/bin"}))
    return proxy_of(maintenance, HttpWeb(), programs, "ru")


def round_trip(proxy: Proxy) -> None:
    """In twice, out twice; what users see follows."""
    assert not proxy.is_entered()
    assert not proxy.seen().page
    for _ in range(2):
        proxy.enter("RB-17")
    assert proxy.is_entered()
    eventually(lambda: proxy.seen().page, what="the page is seen")
    assert proxy.seen().health_status == 200
    for _ in range(2):
        proxy.leave()
    assert not proxy.is_entered()
    eventually(lambda: proxy.seen().status == 200, what="the page is gone")


def test_in_and_out_of_memory() -> None:
    """The fake of unit tests keeps the real proxies' promises."""
    round_trip(FakeProxy())


def test_in_and_out_under_a_client_that_never_stops(server: ProxyServer) -> None:
    """Every answer is the service's or our page: no reset, no other error, in and out."""
    visitor = Visitor(server.url + "/projects")
    asking = threading.Thread(target=visitor.ask)
    asking.start()
    try:
        eventually(lambda: len(visitor.answers) > 20)
        round_trip(told_by(server))
        # For a moment after a reload, nginx's old worker accepts connections too.
        eventually(lambda: all(a and a.status_code == 200 for a in visitor.answers[-20:]))
    finally:
        visitor.gone.set()
        asking.join()

    answers = [a for a in visitor.answers if a is not None]
    pages = [a for a in answers if a.status_code == 503]
    assert len(answers) == len(visitor.answers), "a connection was reset"
    assert {a.status_code for a in answers} == {200, 503}
    assert {a.headers["retry-after"] for a in pages} == {"90"}
    assert {a.headers["x-rollbot-maintenance"] for a in pages} == {"RB-17"}


def test_users_read_a_page(server: ProxyServer) -> None:
    """Nginx has the page in its own file; Traefik fetches it, and says 503 without it too."""
    proxy = told_by(server)
    proxy.enter("RB-17")
    # For a moment after a reload, nginx's old worker accepts connections too.
    eventually(lambda: all(proxy.seen().page for _ in range(20)), what="the page is seen")

    if server.name == "traefik":
        with ThreadingHTTPServer(("127.0.0.1", server.page_port), Backend) as http:
            serving = threading.Thread(target=http.serve_forever, args=(0.01,))
            serving.start()
            shown = httpx.get(server.url + "/", trust_env=False)
            http.shutdown()
            serving.join()
        assert shown.text == "ok"
    else:
        shown = httpx.get(server.url + "/", trust_env=False)
        assert "Идут технические работы" in shown.text
    assert shown.status_code == 503


def test_a_folder_that_is_not_there_is_an_error_of_the_proxy(tmp_path: Path) -> None:
    """A wrong path in the runbook is said with the path's fault, and nothing else happens."""
    words = {"file": str(tmp_path / "absent" / "r.yml"), "public_url": "http://127.0.0.1:9/"}
    programs = ProgramsOnHost(Surroundings(environment={}))
    proxy = proxy_of(Maintenance.model_validate(words), HttpWeb(), programs, "ru")

    with pytest.raises(ProxyError) as refused:
        proxy.enter("RB-17")

    assert "No such file" in refused.value.why
