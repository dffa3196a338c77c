"""What every `Proxy` promises: the fake, Traefik and nginx, under a client that never stops."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TypeAlias

import pytest

from commands.database_ports import Proxy
from commands.domain.errors import ProxyError
from commands.domain.runbook import Maintenance
from tests.engines.ports import free_port
from tests.engines.waiting import eventually
from tests.fakes.proxy import FakeProxy
from tests.stack.asking import Asking
from tests.stack.database_runbook import maintenance_of
from tests.stack.proxies import Nginx, Traefik
from workers.adapters.programs import ProgramsOnHost
from workers.adapters.proxy import proxy_of
from workers.adapters.surroundings import Surroundings
from workers.adapters.web import HttpWeb

Server: TypeAlias = Traefik | Nginx
PROXIES = [pytest.param(n, marks=pytest.mark.engine("nginx")) for n in ("traefik", "nginx")]


class Site(BaseHTTPRequestHandler):
    """The customer's service, or who keeps the page: well, whatever it is asked."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        return


def served(port: int) -> Iterator[str]:
    """The site on loopback, until the generator is closed."""
    with ThreadingHTTPServer(("127.0.0.1", port), Site) as http:
        serving = threading.Thread(target=http.serve_forever, args=(0.01,))
        serving.start()
        yield f"http://127.0.0.1:{http.server_address[1]}"
        http.shutdown()
        serving.join()


@pytest.fixture
def service() -> Iterator[str]:
    yield from served(0)


@pytest.fixture(params=PROXIES)
def server(
    request: pytest.FixtureRequest,
    service: str,
    traefik: Callable[[str], Traefik],
    nginx: Callable[[str], Nginx],
) -> Server:
    """The real thing, before a service that is well."""
    return traefik(service) if request.param == "traefik" else nginx(service)


def told_by(server: Server, **words: object) -> Proxy:
    """The adapter under test, as a worker builds it."""
    maintenance = Maintenance.model_validate(
        {**maintenance_of(server), "retry_after_s": 90, **words}
    )
    return proxy_of(maintenance, HttpWeb(), ProgramsOnHost(Surroundings(environment={})), "ru")


def shows_everybody(proxy: Proxy, *, page: bool) -> None:
    """For a moment after a reload, nginx's old worker accepts connections too."""
    eventually(lambda: all(proxy.seen().page is page for _ in range(20)), what=f"page: {page}")


def round_trip(proxy: Proxy) -> None:
    """In twice, out twice; what users see follows."""
    assert not proxy.is_entered()
    assert not proxy.seen().page
    for _ in range(2):
        proxy.enter("RB-17")
    assert proxy.is_entered()
    shows_everybody(proxy, page=True)
    assert proxy.seen().health_status == 200
    for _ in range(2):
        proxy.leave()
    assert not proxy.is_entered()
    shows_everybody(proxy, page=False)
    assert proxy.seen().status == 200


def test_in_and_out_of_memory() -> None:
    """The fake of unit tests keeps the real proxies' promises."""
    round_trip(FakeProxy())


def test_in_and_out_under_a_client_that_never_stops(server: Server) -> None:
    """Every answer is the service's or our page: no reset, no other error, in and out."""
    with Asking(server.url("/projects")) as users:
        eventually(lambda: users.statuses[200] > 5)
        round_trip(told_by(server))
        seen = users.statuses[200]
        eventually(lambda: users.statuses[200] > seen + 5)

    assert set(users.statuses) == {200, 503}
    pages = [answer for answer in users.answers if answer.status == 503]
    assert {page.retry_after for page in pages} == {"90"}
    assert users.answers[-1].status == 200


def test_https_shows_the_page_and_only_it(traefik: Callable[[str], Traefik], service: str) -> None:
    """Who comes by TLS is not served behind the page's back, and is served again after it."""
    server = traefik(service)
    proxy = told_by(server)
    before = server.get_by_tls("/projects").status_code

    proxy.enter("RB-17")
    shows_everybody(proxy, page=True)
    shown = server.get_by_tls("/projects")
    health = server.get_by_tls("/health").status_code
    proxy.leave()
    shows_everybody(proxy, page=False)

    assert (before, shown.status_code, health) == (200, 503, 200)
    assert shown.headers["x-rollbot-maintenance"] == "RB-17"
    assert server.get_by_tls("/projects").status_code == 200


def test_users_read_a_page(server: Server) -> None:
    """Nginx has the page in its own file; Traefik fetches it, and says 503 without it too."""
    port = free_port()
    page_url = {"page_url": f"http://127.0.0.1:{port}/maintenance"}
    proxy = told_by(server, **(page_url if isinstance(server, Traefik) else {}))
    proxy.enter("RB-17")
    shows_everybody(proxy, page=True)

    if isinstance(server, Traefik):
        for _ in served(port):
            shown = server.get("/")
            assert (shown.status_code, shown.text) == (503, "ok")
    else:
        shown = server.get("/")
        assert shown.status_code == 503
        assert "Идут технические работы" in shown.text
    assert shown.headers["x-rollbot-maintenance"] == "RB-17"


def test_a_folder_that_is_not_there_is_an_error_of_the_proxy(tmp_path: Path) -> None:
    """A wrong path in the runbook is said with the path's fault, and nothing else happens."""
    words = {"file": str(tmp_path / "absent" / "r.yml"), "public_url": "http://127.0.0.1:9/"}
    programs = ProgramsOnHost(Surroundings(environment={}))
    proxy = proxy_of(Maintenance.model_validate(words), HttpWeb(), programs, "ru")

    with pytest.raises(ProxyError) as refused:
        proxy.enter("RB-17")

    assert "No such file" in refused.value.why
