"""The `Proxy` port on Traefik (file provider) and on nginx (an included snippet).

What is written is never believed: users are asked for by `seen`, over the public address.
Traefik 3.7 and nginx 1.22, each tried for real.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from commands.database_ports import ProxySeen
from commands.domain.errors import EngineError, ProxyError
from commands.domain.people import Language
from commands.domain.plan import CommandLine
from commands.domain.runbook import Maintenance
from commands.locale.page import maintenance_page
from commands.ports import Programs, Web, WebAnswer
from workers.adapters.atomic_file import read_bytes, replace

MARK = "x-rollbot-maintenance"
"""The header by which our page is told from any other 503."""

UNAVAILABLE = 503
PRIORITY = 1_000_000
"""Above every router of the customer's; Traefik keeps what is near the largest integer."""

ASK_TIMEOUT_S = 3.0
RELOAD_TIMEOUT_S = 15.0
NOBODY = 0


@dataclass(frozen=True, slots=True)
class _FileProxy(ABC):
    """A proxy that is told by one file of ours."""

    maintenance: Maintenance
    web: Web
    programs: Programs
    language: Language

    def enter(self, rollback_id: str) -> None:
        """Write the configuration, atomically, and have the proxy read it. Safe to repeat."""
        with _said_by(self.maintenance.proxy):
            replace(self._file, self._entered(rollback_id).encode())
        self._reload()

    def leave(self) -> None:
        """Take it away again. Safe to repeat."""
        with _said_by(self.maintenance.proxy):
            self._take_away()
        self._reload()

    def is_entered(self) -> bool:
        """Whether the file says so; users are asked for by `seen`."""
        with _said_by(self.maintenance.proxy):
            return MARK.encode() in (read_bytes(self._file) or b"").lower()

    def seen(self) -> ProxySeen:
        """Ask the public address as a user would, and the health path beside it."""
        answer = self._ask(self.maintenance.public_url)
        health = self._ask(_beside(self.maintenance.public_url, self.maintenance.health_path))
        page = (
            answer is not None
            and answer.status == UNAVAILABLE
            and MARK in answer.headers
            and "retry-after" in answer.headers
        )
        return ProxySeen(
            status=answer.status if answer else NOBODY,
            page=page,
            health_status=health.status if health else NOBODY,
        )

    @property
    def _file(self) -> Path:
        return Path(self.maintenance.file)

    @abstractmethod
    def _entered(self, rollback_id: str) -> str:
        """What the file holds while the page is shown."""

    @abstractmethod
    def _take_away(self) -> None:
        """What leaving does to the file."""

    def _ask(self, url: str) -> WebAnswer | None:
        try:
            return self.web.get(url, ASK_TIMEOUT_S)
        except EngineError:
            return None

    def _reload(self) -> None:
        if not self.maintenance.reload:
            return
        name = self.maintenance.proxy
        with _said_by(name):
            done = self.programs.run(CommandLine(argv=self.maintenance.reload), RELOAD_TIMEOUT_S)
        if done.exit_code != 0:
            raise ProxyError(name, done.tail.strip() or f"exit code {done.exit_code}")


class TraefikProxy(_FileProxy):
    """Traefik 2 or 3, by a file of ours in the folder that its file provider watches.

    Two routers stand above all others, for plain and for TLS entry points; their service has no
    server, which Traefik answers with 503. The page itself comes from `page_url`: Traefik holds
    none, and shows its own plain words when that address is away.
    """

    def _entered(self, rollback_id: str) -> str:
        router = {
            "rule": f"PathPrefix(`/`) && !Path(`{self.maintenance.health_path}`)",
            "priority": PRIORITY,
            "service": "rollbot-nobody",
            "middlewares": list(self._middlewares(rollback_id)),
            **({"entryPoints": list(points)} if (points := self.maintenance.entry_points) else {}),
        }
        services: dict[str, object] = {"rollbot-nobody": {"loadBalancer": {"servers": []}}}
        if self.maintenance.page_url:
            page = {"servers": [{"url": _origin(self.maintenance.page_url)}]}
            services["rollbot-page"] = {"loadBalancer": {**page, "passHostHeader": False}}
        http = {
            "routers": {
                "rollbot-maintenance": router,
                "rollbot-maintenance-tls": {**router, "tls": {}},
            },
            "middlewares": self._middlewares(rollback_id),
            "services": services,
        }
        # JSON is YAML, which Traefik reads.
        return json.dumps({"http": http}, indent=2, ensure_ascii=False) + "\n"

    def _take_away(self) -> None:
        self._file.unlink(missing_ok=True)

    def _middlewares(self, rollback_id: str) -> dict[str, object]:
        headers = {
            "Retry-After": str(self.maintenance.retry_after_s),
            "X-Rollbot-Maintenance": rollback_id,
            "Cache-Control": "no-store",
        }
        made: dict[str, object] = {
            "rollbot-headers": {"headers": {"customResponseHeaders": headers}}
        }
        if self.maintenance.page_url:
            path = urlsplit(self.maintenance.page_url).path or "/"
            errors = {"status": ["503"], "service": "rollbot-page", "query": path}
            made["rollbot-page"] = {"errors": errors}
        return made


class NginxProxy(_FileProxy):
    """nginx, by a snippet that the customer includes in the `server` block.

    The page stands in the snippet itself. Left, the snippet is a comment: an `include` of one
    file must find it.
    """

    def _entered(self, rollback_id: str) -> str:
        page = maintenance_page(self.language)
        return (
            "# rollbot\n"
            "error_page 503 @rollbot_maintenance;\n"
            f'if ($uri != "{self.maintenance.health_path}") {{ return 503; }}\n'
            "location @rollbot_maintenance {\n"
            "    internal;\n"
            '    default_type "text/html; charset=utf-8";\n'
            f"    add_header Retry-After {self.maintenance.retry_after_s} always;\n"
            f"    add_header X-Rollbot-Maintenance {rollback_id} always;\n"
            "    add_header Cache-Control no-store always;\n"
            f'    return 503 "{page}";\n'
            "}\n"
        )

    def _take_away(self) -> None:
        replace(self._file, b"# rollbot: no maintenance\n")


def proxy_of(
    maintenance: Maintenance, web: Web, programs: Programs, language: Language
) -> TraefikProxy | NginxProxy:
    """The proxy that the runbook names; nothing is asked yet."""
    kind = TraefikProxy if maintenance.proxy == "traefik" else NginxProxy
    return kind(maintenance, web, programs, language)


@contextmanager
def _said_by(name: str) -> Iterator[None]:
    try:
        yield
    except ProxyError:
        raise
    except EngineError as error:
        raise ProxyError(name, str(error.facts.get("why") or error)) from error
    except OSError as error:
        raise ProxyError(name, error.strerror or str(error)) from error


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc, "", "", ""))


def _beside(url: str, path: str) -> str:
    return _origin(url) + path
