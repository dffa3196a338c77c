"""The tags that a registry holds, by its HTTP API (the engine has no call for them).

Source: OCI Distribution Specification 1.1, "Listing Tags"; Docker's token authentication.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import httpx

from commands.domain.errors import RegistryUnavailableError
from commands.domain.image_reference import ImageReference

_CERTIFICATES = Path("/etc/docker/certs.d")
_DOCKER_HUB = "registry-1.docker.io"
_TIMEOUT = httpx.Timeout(10, connect=3)
_PAGE = 1000
_MOST_PAGES = 20
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')

Credentials = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Registry:
    """The registry of one repository. `is_insecure`: the engine is told to speak plain HTTP to it.

    `credentials` are asked for only when the registry wants them.
    """

    reference: ImageReference
    is_insecure: bool
    credentials: Callable[[], Credentials | None]

    def tags(self) -> tuple[str, ...]:
        """All tags; empty when there is no such repository. Raises RegistryUnavailableError."""
        found: list[str] = []
        try:
            with httpx.Client(
                base_url=self._address(), timeout=_TIMEOUT, trust_env=False, verify=self._trust()
            ) as client:
                page: str | None = f"/v2/{self._path()}/tags/list?n={_PAGE}"
                for _ in range(_MOST_PAGES):
                    if page is None:
                        break
                    answer = self._get(client, page)
                    if answer.status_code == HTTPStatus.NOT_FOUND:
                        break
                    found += answer.raise_for_status().json()["tags"] or ()
                    page = self._next(client, answer)
        except (httpx.HTTPError, ValueError, KeyError) as error:
            why = str(error) or type(error).__name__
            raise RegistryUnavailableError(image=self.reference.repository, why=why) from error
        return tuple(found)

    def _get(self, client: httpx.Client, page: str) -> httpx.Response:
        answer = client.get(page)
        if answer.status_code != HTTPStatus.UNAUTHORIZED:
            return answer
        scheme, _, rest = answer.headers.get("www-authenticate", "").partition(" ")
        known = self.credentials()
        if scheme.lower() == "basic" and known is not None:
            client.auth = httpx.BasicAuth(*known)
        elif scheme.lower() == "bearer":
            token = self._token(client, dict(_CHALLENGE.findall(rest)), known)
            client.headers["Authorization"] = f"Bearer {token}"
        return client.get(page)

    def _token(
        self, client: httpx.Client, challenge: Mapping[str, str], known: Credentials | None
    ) -> str:
        realm = httpx.URL(challenge.get("realm", ""))
        if realm.scheme != "https" and not _is_loopback(realm.host):
            # Whoever is on the way would learn the password.
            known = None
        asked = {name: challenge[name] for name in ("service", "scope") if name in challenge}
        auth = httpx.BasicAuth(*known) if known else None
        answer: Any = client.get(realm, params=asked, auth=auth).raise_for_status().json()
        return str(answer.get("token") or answer["access_token"])

    def _next(self, client: httpx.Client, answer: httpx.Response) -> str | None:
        link = answer.links.get("next", {}).get("url")
        if link is None:
            return None
        url = answer.url.join(link)
        # Only this registry's own pages: our token is for nobody else.
        return str(url) if url.host == client.base_url.host else None

    @property
    def _is_docker_hub(self) -> bool:
        return self.reference.host in ("", "docker.io", "index.docker.io")

    def _path(self) -> str:
        path = self.reference.path
        return f"library/{path}" if self._is_docker_hub and "/" not in path else path

    def _address(self) -> str:
        host = _DOCKER_HUB if self._is_docker_hub else self.reference.host
        is_plain = self.is_insecure or _is_loopback(httpx.URL(f"http://{host}").host)
        return f"{'http' if is_plain else 'https'}://{host}"

    def _trust(self) -> ssl.SSLContext | bool:
        authority = _CERTIFICATES / self.reference.host / "ca.crt"
        if self.reference.host and authority.exists():
            return ssl.create_default_context(cafile=str(authority))
        return True


def _is_loopback(host: str) -> bool:
    """What Docker takes for loopback: 127.0.0.0/8, ::1 and `localhost`."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
