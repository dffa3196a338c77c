"""A Compose project of a test's own: Samokoder in small, with names and ports of its own."""

import http.client
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex
from typing import Any
from urllib.parse import urlsplit

import docker
import docker.errors
from docker.models.containers import Container

from tests.engines.ports import free_port
from tests.engines.waiting import eventually
from tests.stack.compose import Compose
from tests.stack.images import SERVICES, Images

STATEFUL = ("db", "redis")
_PROJECT_LABEL = "com.docker.compose.project"
_SERVICE_LABEL = "com.docker.compose.service"
# The process that a project belongs to: once it is gone, the project is nobody's.
_OWNER_LABEL = "org.rollbot.tests.owner"

_SERVICE = """\
  {service}:
    image: ${{REGISTRY}}/samokoder-{service}:${{{variable}}}
    restart: unless-stopped
    env_file: .env
    ports: ["127.0.0.1:{port}:8000"]
    depends_on: [db, redis]
    labels: {{{owner_label}: "{owner}"}}
"""
_STATE = """\
  {service}:
    image: ${{REGISTRY}}/samokoder-worker:v1.2.2
    command: ["idle"]
    environment:
      STATE_PASSWORD: ${{DB_PASSWORD}}
    volumes: ["{service}-data:/var/lib/{service}"]
    labels: {{{owner_label}: "{owner}"}}
"""


@dataclass(slots=True)
class Samokoder:
    """One project: `api`, `worker` and `frontend` that answer, `db` and `redis` that hold state."""

    compose: Compose
    images: Images
    directory: Path
    name: str = field(default_factory=lambda: f"samokoder-{token_hex(4)}")
    variables: Mapping[str, str] = field(
        default_factory=lambda: dict.fromkeys(SERVICES, "APP_VERSION")
    )
    """Service -> the variable of `.env` that holds its version."""
    ports: Mapping[str, int] = field(
        default_factory=lambda: {service: free_port() for service in SERVICES}
    )
    canaries: Mapping[str, str] = field(
        default_factory=lambda: {
            name: f"canary-{token_hex(12)}" for name in ("SECRET_KEY", "DB_PASSWORD", "API_TOKEN")
        }
    )
    """Secrets that must never turn up anywhere but in `.env` and in the containers."""

    @property
    def engine(self) -> docker.DockerClient:
        return self.images.engine

    @property
    def compose_file(self) -> Path:
        return self.directory / "docker-compose.yml"

    @property
    def env_file(self) -> Path:
        return self.directory / ".env"

    def write(self, version: str) -> None:
        """Write the Compose file and `.env`, with every service on one version."""
        owned = {"owner_label": _OWNER_LABEL, "owner": os.getpid()}
        parts = ["services:\n"]
        for service in SERVICES:
            place = {"variable": self.variables[service], "port": self.ports[service]}
            parts.append(_SERVICE.format(service=service, **place, **owned))
        parts += [_STATE.format(service=service, **owned) for service in STATEFUL]
        parts.append("volumes:\n")
        parts += [f"  {service}-data: {{}}\n" for service in STATEFUL]
        self.compose_file.write_text("".join(parts))
        pins = dict.fromkeys(self.variables.values(), version)
        settings = {
            "COMPOSE_PROJECT_NAME": self.name,
            "REGISTRY": self.images.prefix,
            **pins,
            **self.canaries,
        }
        self.env_file.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))

    def pin(self, variable: str, version: str) -> None:
        """Change one line of `.env`, as a deploy does."""
        lines = self.env_file.read_text().splitlines()
        changed = [
            f"{variable}={version}" if line.startswith(f"{variable}=") else line for line in lines
        ]
        self.env_file.write_text("\n".join(changed) + "\n")

    def pinned(self, variable: str = "APP_VERSION") -> str:
        lines = self.env_file.read_text().splitlines()
        pins = dict(line.split("=", 1) for line in lines if "=" in line)
        return pins[variable]

    def deploy(self, version: str, *services: str) -> None:
        """What a deploy does: write the version down and run it."""
        if not self.env_file.exists():
            self.write(version)
        for service in services or SERVICES:
            self.pin(self.variables[service], version)
        self.compose.run(self.directory, "up", "-d", *services)

    def container(self, service: str) -> Container:
        found = self.containers(service)
        assert len(found) == 1, f"{service} has {len(found)} containers"
        return found[0]

    def containers(self, service: str | None = None) -> list[Container]:
        return containers_of(self.engine, self.name, service)

    def identities(self) -> dict[str, str]:
        """Service -> id of its container: another id means that it was recreated."""
        return {found.labels[_SERVICE_LABEL]: str(found.id) for found in self.containers()}

    def url(self, service: str, path: str = "/health") -> str:
        return f"http://127.0.0.1:{self.ports[service]}{path}"

    def get(self, service: str, path: str = "/health") -> tuple[int, Any]:
        """Status and body; status 0 when nobody answers. Metrics come as text, all else as JSON."""
        address = urlsplit(self.url(service, path))
        link = http.client.HTTPConnection(str(address.hostname), address.port, timeout=20)
        try:
            link.request("GET", address.path, headers={"Connection": "close"})
            answer = link.getresponse()
            body = answer.read().decode()
        except (OSError, http.client.HTTPException):
            return 0, ""
        finally:
            link.close()
        is_json = answer.headers["Content-Type"].startswith("application/json")
        return answer.status, json.loads(body) if is_json else body

    def version(self, service: str) -> str:
        """The version that the service says it is; empty when it does not answer."""
        status, body = self.get(service, "/version")
        return str(body["version"]) if status == 200 else ""

    def await_version(self, service: str, version: str, *, within_s: float = 60) -> None:
        eventually(
            lambda: self.version(service) == version,
            within_s=within_s,
            what=f"{service} answers as {version}",
        )

    def down(self) -> None:
        """Remove what this project made, and nothing else. Safe to repeat."""
        remove_project(self.engine, self.name)


def containers_of(
    engine: docker.DockerClient, project: str, service: str | None = None
) -> list[Container]:
    """Return every container of a project, or of one of its services, running or not."""
    labels = [f"{_PROJECT_LABEL}={project}"]
    if service is not None:
        labels.append(f"{_SERVICE_LABEL}={service}")
    return list(engine.containers.list(all=True, filters={"label": labels}, ignore_removed=True))


def remove_project(engine: docker.DockerClient, name: str) -> None:
    """Remove a project's containers, networks and volumes. Safe to repeat."""
    label = f"{_PROJECT_LABEL}={name}"
    for found in engine.containers.list(all=True, filters={"label": label}, ignore_removed=True):
        _removed(found)
    for network in engine.networks.list(filters={"label": label}):
        with suppress(docker.errors.NotFound):  # another test run was faster
            network.remove()
    for volume in engine.volumes.list(filters={"label": label}):
        volume.remove(force=True)


def _removed(found: Container) -> None:
    """Remove a container; another test run may be at it already."""
    try:
        found.remove(force=True, v=True)
    except docker.errors.NotFound:
        return
    except docker.errors.APIError as error:
        if "already in progress" not in str(error):
            raise


def remove_orphans(engine: docker.DockerClient) -> None:
    """Remove the projects of test runs that were killed before they could."""
    owned = engine.containers.list(all=True, filters={"label": _OWNER_LABEL}, ignore_removed=True)
    projects = {
        found.labels[_PROJECT_LABEL]
        for found in owned
        if not Path("/proc", found.labels[_OWNER_LABEL]).exists()
    }
    for name in projects:
        remove_project(engine, name)
