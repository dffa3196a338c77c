"""Tags are read from registries that page, that want a password, and that want a token."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from commands.domain.errors import RegistryUnavailableError
from commands.domain.image_reference import ImageReference
from workers.adapters.registry import Credentials, Registry

KNOWN = ("robot", "canary")
PATH = "/v2/samokoder/api/tags/list"
PAGES = (["v1.2.2", "v1.2.3"], ["v1.3.0"])


@dataclass(slots=True)
class Played:
    """How the registry behaves, and what it was asked: path and Authorization."""

    wants: str = ""
    realm: str = ""
    next_page: str = f"{PATH}?last=v1.2.3&n=2"
    asked: list[tuple[str, str]] = field(default_factory=list)


class RegistryServer(ThreadingHTTPServer):
    """A registry with one repository."""

    played: Played

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: RegistryServer

    def do_GET(self) -> None:
        played = self.server.played
        known = self.headers.get("Authorization", "")
        played.asked.append((self.path, known))
        address = urlsplit(self.path)
        basic = "Basic " + base64.b64encode(":".join(KNOWN).encode()).decode()
        if address.path == "/token":
            self.answer(200, {"token": "t-1"} if known == basic else {"token": "t-0"})
        elif played.wants == "basic" and known != basic:
            self.answer(401, {}, {"WWW-Authenticate": 'Basic realm="registry"'})
        elif played.wants == "bearer" and known != "Bearer t-1":
            realm = played.realm or f"http://{self.server.host}/token"
            scope = 'service="reg",scope="repository:samokoder/api:pull"'
            self.answer(401, {}, {"WWW-Authenticate": f'Bearer realm="{realm}",{scope}'})
        elif address.path != PATH:
            self.answer(404, {"errors": [{"code": "NAME_UNKNOWN"}]})
        elif "last" in parse_qs(address.query):
            self.answer(200, {"tags": PAGES[1]})
        else:
            link = {"Link": f'<{played.next_page}>; rel="next"'}
            self.answer(200, {"tags": PAGES[0]}, link)

    def answer(
        self, status: int, body: Mapping[str, object], headers: Mapping[str, str] | None = None
    ) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        return


@pytest.fixture
def server() -> Iterator[RegistryServer]:
    """The registry above, on loopback."""
    with RegistryServer(("127.0.0.1", 0), Handler) as http:
        http.played = Played()
        http.daemon_threads = True
        serving = threading.Thread(target=http.serve_forever, args=(0.01,))
        serving.start()
        yield http
        http.shutdown()
        serving.join()


def tags(
    server: RegistryServer, path: str = "samokoder/api", known: Credentials | None = KNOWN
) -> tuple[str, ...]:
    reference = ImageReference.parse(f"{server.host}/{path}")
    return Registry(reference, is_insecure=False, credentials=lambda: known).tags()


@pytest.mark.parametrize("wants", ["", "basic", "bearer"])
def test_every_page_is_read(server: RegistryServer, wants: str) -> None:
    """All tags come back, whatever the registry wants to see first."""
    server.played.wants = wants

    assert tags(server) == ("v1.2.2", "v1.2.3", "v1.3.0")


def test_nobody_is_told_a_password_that_was_not_asked_for(server: RegistryServer) -> None:
    """An open registry sees no credentials."""
    tags(server)

    assert {known for _, known in server.played.asked} == {""}


@pytest.mark.parametrize("wants", ["basic", "bearer"])
def test_a_registry_that_refuses_us_is_unavailable(server: RegistryServer, wants: str) -> None:
    """No credentials here: said as such, never shown as a repository without tags."""
    server.played.wants = wants

    with pytest.raises(RegistryUnavailableError):
        tags(server, known=None)


def test_a_repository_that_is_not_there_has_no_tags(server: RegistryServer) -> None:
    """A 404 of a registry that answers is an answer."""
    assert tags(server, "samokoder/nothing") == ()


def test_a_page_elsewhere_is_not_followed(server: RegistryServer) -> None:
    """A link may not lead the token, or the worker, to another host."""
    server.played.next_page = "http://169.254.169.254/v2/x/tags/list?last=v1.2.3"

    assert tags(server) == ("v1.2.2", "v1.2.3")


def test_a_password_is_not_sent_in_the_clear(server: RegistryServer) -> None:
    """A realm over plain HTTP on another host gets no credentials."""
    server.played.wants = "bearer"
    server.played.realm = f"http://localhost.localdomain:{server.server_address[1]}/token"

    with pytest.raises(RegistryUnavailableError):
        tags(server)

    assert not any(known.startswith("Basic") for _, known in server.played.asked)


def test_an_answer_that_is_no_list_is_an_error_of_ours(server: RegistryServer) -> None:
    """Something that is no registry answers at the address."""
    server.played.next_page = "/token"

    with pytest.raises(RegistryUnavailableError):
        tags(server)
