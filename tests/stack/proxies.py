"""The customer's proxies as processes of the host: Traefik with its file provider, and nginx."""

import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.engines.found import address_of
from tests.engines.ports import free_port
from tests.engines.waiting import eventually

# The proxy ends with the test run, however that ends; nginx takes its workers along on TERM only.
_WITH_US = ("setpriv", "--pdeathsig", "TERM")
_ROUTES = """\
http:
  routers:
    samokoder:
      rule: PathPrefix(`/`)
      entryPoints: [web]
      service: samokoder
    samokoder-tls:
      rule: PathPrefix(`/`)
      entryPoints: [websecure]
      service: samokoder
      tls: {{}}
  services:
    samokoder:
      loadBalancer:
        servers:
          - url: {upstream}
"""
_NGINX = """\
daemon off;
user root;
worker_processes 1;
pid {directory}/nginx.pid;
error_log {directory}/proxy.log notice;
events {{ worker_connections 256; }}
http {{
  access_log off;
  client_body_temp_path {directory}/temp;
  proxy_temp_path {directory}/temp;
  fastcgi_temp_path {directory}/temp;
  uwsgi_temp_path {directory}/temp;
  scgi_temp_path {directory}/temp;
  server {{
    listen 127.0.0.1:{port};
    include {directory}/snippets/*.conf;
    location / {{
      proxy_pass {upstream};
      proxy_http_version 1.1;
    }}
  }}
}}
"""


@dataclass(slots=True)
class _Proxy:
    directory: Path
    upstream: str
    """The address that all is handed on to: `http://127.0.0.1:20123`."""
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        return (self.directory / "proxy.log").read_text(errors="replace")

    def url(self, path: str = "/") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def get(self, path: str = "/") -> httpx.Response:
        """One request as a user makes it, on a connection of its own."""
        return httpx.get(self.url(path), trust_env=False, timeout=20)

    def answers(self) -> bool:
        """Whether the proxy has read its routes: whatever it says then comes from the upstream."""
        assert self.process is None or self.process.poll() is None, self.log
        try:
            return self.get("/").status_code != httpx.codes.NOT_FOUND
        except httpx.TransportError:
            return False

    def stop(self) -> None:
        """End it, its workers first. Safe to repeat."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(timeout=60)
            self.process = None

    def _run(self, *argv: str) -> None:
        with (self.directory / "proxy.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*_WITH_US, *argv],
                cwd=self.directory,
                env={},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        eventually(self.answers, what=lambda: f"the proxy answers: {self.log}")


@dataclass(slots=True)
class Traefik(_Proxy):
    """Traefik 3 that watches `routes`; the customer's own file in it is `samokoder.yml`.

    By HTTPS, too, with a certificate that nobody trusts.
    """

    tls_port: int = field(default_factory=free_port)

    @property
    def routes(self) -> Path:
        return self.directory / "routes"

    def get_by_tls(self, path: str = "/") -> httpx.Response:
        """One request as a user of the HTTPS address makes it."""
        url = f"https://127.0.0.1:{self.tls_port}{path}"
        return httpx.get(url, trust_env=False, timeout=20, verify=False)

    def start(self) -> None:
        """Start and wait until it hands requests on (0.5 s)."""
        self.routes.mkdir(parents=True, exist_ok=True)
        (self.routes / "samokoder.yml").write_text(_ROUTES.format(upstream=self.upstream))
        self._run(
            str(Path(sys.executable).with_name("traefik")),
            f"--entrypoints.web.address=127.0.0.1:{self.port}",
            f"--entrypoints.websecure.address=127.0.0.1:{self.tls_port}",
            f"--providers.file.directory={self.routes}",
            "--providers.file.watch=true",
            "--global.checknewversion=false",
            "--global.sendanonymoususage=false",
            "--log.level=INFO",
        )


@dataclass(slots=True)
class Nginx(_Proxy):
    """nginx whose server includes every `*.conf` of `snippets`; `reload` makes it read them."""

    @property
    def snippets(self) -> Path:
        return self.directory / "snippets"

    @property
    def reload_argv(self) -> tuple[str, ...]:
        """The command by which a person makes it read its files again."""
        return (*self._argv, "-s", "reload")

    @property
    def _argv(self) -> tuple[str, ...]:
        log = str(self.directory / "proxy.log")
        return (address_of("nginx"), "-p", str(self.directory), "-c", "nginx.conf", "-e", log)

    def start(self) -> None:
        """Start and wait until it hands requests on (0.1 s)."""
        self.snippets.mkdir(parents=True, exist_ok=True)
        places = {"directory": self.directory, "port": self.port, "upstream": self.upstream}
        (self.directory / "nginx.conf").write_text(_NGINX.format(**places))
        self._run(*self._argv)
