"""The customer's proxies on loopback: Traefik with its file provider, and nginx."""

import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import httpx

from tests.engines.found import address_of
from tests.engines.ports import free_port
from tests.engines.waiting import eventually

ProxyName = Literal["traefik", "nginx"]
_WITH_US = ("setpriv", "--pdeathsig", "KILL")


@dataclass(slots=True)
class ProxyServer:
    """One proxy before one backend; `snippet` is the file that is ours to write.

    `page_url` is where Traefik would get the page from; nobody listens there unless a test does.
    """

    name: ProxyName
    backend: str
    directory: Path
    port: int = field(default_factory=free_port)
    page_port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def page_url(self) -> str:
        return f"http://127.0.0.1:{self.page_port}/maintenance"

    @property
    def snippet(self) -> Path:
        return self.directory / "dynamic" / ("rollbot.yml" if self.name == "traefik" else "r.conf")

    @property
    def reload(self) -> tuple[str, ...]:
        """What makes it read the snippet; Traefik watches."""
        if self.name == "traefik":
            return ()
        return (address_of("nginx"), "-p", str(self.directory), "-c", "nginx.conf", "-s", "reload")

    def maintenance(self) -> Mapping[str, object]:
        """The runbook's `maintenance` for this proxy."""
        return {
            "proxy": self.name,
            "file": str(self.snippet),
            "public_url": self.url + "/",
            "reload": list(self.reload),
            "retry_after_s": 90,
            **({"page_url": self.page_url} if self.name == "traefik" else {}),
        }

    def start(self) -> None:
        """Start, and wait until the backend answers through it."""
        self.snippet.parent.mkdir(parents=True, exist_ok=True)
        argv = self._traefik() if self.name == "traefik" else self._nginx()
        with (self.directory / "proxy.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*_WITH_US, *argv], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        eventually(self._answers, within_s=30, what=lambda: self.log)

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(timeout=20)
            self.process = None

    @property
    def log(self) -> str:
        return (self.directory / "proxy.log").read_text(errors="replace")

    def _answers(self) -> bool:
        try:
            return httpx.get(self.url + "/health", timeout=2, trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    def _traefik(self) -> list[str]:
        service = {"loadBalancer": {"servers": [{"url": self.backend}]}}
        (self.snippet.parent / "app.yml").write_text(
            "http:\n"
            "  routers:\n    app: {rule: 'PathPrefix(`/`)', service: app}\n"
            f"  services:\n    app: {service}\n"
        )
        return [
            str(Path(sys.prefix) / "bin" / "traefik"),
            f"--entrypoints.web.address=127.0.0.1:{self.port}",
            f"--providers.file.directory={self.snippet.parent}",
            "--providers.file.watch=true",
            "--providers.providersThrottleDuration=100ms",
            "--global.checkNewVersion=false",
            "--global.sendAnonymousUsage=false",
            "--log.level=INFO",
        ]

    def _nginx(self) -> list[str]:
        self.snippet.write_text("# nothing\n")
        (self.directory / "nginx.conf").write_text(
            f"daemon off; pid {self.directory}/nginx.pid; error_log stderr;\n"
            "events { }\n"
            "http { access_log off; server {\n"
            f"  listen 127.0.0.1:{self.port};\n"
            f"  include {self.snippet};\n"
            f"  location / {{ proxy_pass {self.backend}; }}\n"
            "} }\n"
        )
        return [address_of("nginx"), "-p", str(self.directory), "-c", "nginx.conf"]
