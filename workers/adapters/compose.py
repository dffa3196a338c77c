"""The `Containers` port on Docker and Compose, v1 and v2."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from datetime import datetime
from ipaddress import ip_address, ip_network
from typing import Any

from docker.auth import resolve_authconfig

from commands.domain.errors import DiskFullError, EngineError, ImageNotFoundError
from commands.domain.facts import ContainerHealth, ImageDigest, ReleaseImage, RunningRelease
from commands.domain.image_reference import ImageReference
from commands.domain.plan import CommandLine
from commands.domain.runbook import Compose
from commands.ports import OneOffOutcome, ProgramOutcome
from workers.adapters.engine import NO_SPACE, Engine
from workers.adapters.images import REVISION_LABEL, VERSION_LABEL, Images
from workers.adapters.one_off import OneOffs
from workers.adapters.registry import Credentials, Registry
from workers.adapters.settling import ONE_OFF_LABEL, PROJECT_LABEL, SERVICE_LABEL, Settling
from workers.adapters.surroundings import Surroundings

_LOCAL = ("unix://", "tcp://127.", "tcp://localhost")


def engine_of(compose: Compose, around: Mapping[str, str]) -> Engine:
    """The engine of a Compose project, for a process with these variables; not yet connected."""
    url = compose.engine_url or around.get("DOCKER_HOST", "")
    return Engine(url, around.get("DOCKER_CONFIG", ""))


class DockerContainers:
    """One Compose project on one Docker engine.

    Containers are found by Compose's labels, which v1 and v2 share; Compose itself is its
    command line, run as the plan has it. `compose.engine_url` is the engine; "" is that of
    `DOCKER_HOST`, or else the default one.
    """

    def __init__(
        self, compose: Compose, surroundings: Surroundings, engine: Engine | None = None
    ) -> None:
        self._compose = compose
        self._surroundings = surroundings
        self._engine = engine or engine_of(compose, surroundings.environment)
        self._images = Images(self._engine)
        self._one_offs = OneOffs(self._engine, compose.project, surroundings)

    def close(self) -> None:
        """Let the connection go."""
        self._engine.close()

    def running(self, compose_service: str) -> RunningRelease | None:
        """What a service's newest container runs; None if there is no container."""
        newest = self._newest(compose_service)
        return self._release(compose_service, newest) if newest else None

    def local_images(self, repository: str) -> tuple[ReleaseImage, ...]:
        """The tagged images of a repository that are here, newest first."""
        return self._images.of(repository)

    def registry_tags(self, repository: str) -> tuple[str, ...]:
        """The tags a registry holds; empty when the repository is of no registry."""
        reference = ImageReference.parse(repository)
        if not reference.has_registry:
            return ()
        is_insecure = self._is_insecure(reference.host)
        return Registry(reference, is_insecure, lambda: self._credentials(reference.host)).tags()

    def registry_digest(self, repository: str, tag: str) -> ImageDigest | None:
        """The manifest digest of a tag without pulling it; None if the tag is not there."""
        return self._images.registry_digest(repository, tag)

    def pull(self, repository: str, tag: str, digest: ImageDigest, timeout_s: float) -> None:
        """Have the image here under `repository:tag`, by digest. Safe to repeat."""
        self._images.pull(repository, tag, digest, timeout_s)

    def has_image(self, repository: str, tag: str, digest: ImageDigest) -> bool:
        """Whether `repository:tag` is here and is that very digest."""
        return self._images.has(repository, tag, digest)

    def remove_image(self, repository: str, tag: str) -> None:
        """Remove a local tag; an image in use or not there is left alone. Safe to repeat."""
        self._images.remove(repository, tag)

    def compose(self, command: CommandLine, timeout_s: float) -> ProgramOutcome:
        """Run exactly this Compose command line in a clean environment (H6). Safe to repeat.

        A bad exit code is not an exception, unless it is the engine that is away
        (EngineUnavailableError) or its disk that is full (DiskFullError).
        """
        engine = {"DOCKER_HOST": self._engine.url}
        done = self._surroundings.run(
            command, timeout_s, directory=self._compose.directory, also=engine
        )
        if done.exit_code != 0:
            if NO_SPACE in done.tail:
                raise DiskFullError(what=command.argv[0], why=done.tail)
            self.ping()
        return ProgramOutcome(exit_code=done.exit_code, tail=done.tail, seconds=done.seconds)

    def one_off(
        self,
        command: CommandLine,
        timeout_s: float,
        secrets: Mapping[str, str],
        cpus: float | None = None,
    ) -> OneOffOutcome:
        """Run a Compose `run --rm` line and keep what it prints; a bad exit code is returned."""
        return self._one_offs.run(command, timeout_s, self._compose.directory, secrets, cpus)

    def ask_image(
        self, repository: str, version: str, argv: tuple[str, ...], timeout_s: float
    ) -> OneOffOutcome:
        """Run a program in a local image by itself: no network, no Compose, removed afterwards."""
        return self._one_offs.ask(f"{repository}:{version}", argv, timeout_s)

    def variable(self, compose_service: str, name: str) -> str | None:
        """A variable of the service's newest container, running or stopped; None if not set."""
        container = self._newest(compose_service)
        for line in (container["Config"]["Env"] or ()) if container else ():
            key, _, value = line.partition("=")
            if key == name:
                return str(value)
        return None

    def address(self, compose_service: str) -> str | None:
        """The address of the service's running container as this host reaches it; None if none."""
        container = self._newest(compose_service)
        if container is None or container["State"]["Status"] != "running":
            return None
        if container["HostConfig"]["NetworkMode"] == "host":
            return "127.0.0.1"
        networks = container["NetworkSettings"]["Networks"] or {}
        return next((found["IPAddress"] for found in networks.values() if found["IPAddress"]), None)

    def in_container(
        self, compose_service: str, argv: tuple[str, ...], environment: Mapping[str, str]
    ) -> tuple[str, ...]:
        """The line that runs `argv` inside the running container; values go by name only."""
        container = self._newest(compose_service)
        if container is None or container["State"]["Status"] != "running":
            raise EngineError(what=compose_service, why="no container runs")
        names = (word for name in environment for word in ("-e", name))
        client = ("docker", "-H", self._engine.url)
        return (*client, "exec", "-i", *names, str(container["Id"]), *argv)

    def settle(self, rollback_id: str, timeout_s: float) -> None:
        """Wait for, or end, what an earlier job process left running inside the engine."""
        Settling(self._engine, self._compose.project).settle(rollback_id, timeout_s)
        self._one_offs.drop_forgotten()

    def ping(self) -> str:
        """The engine's version. Raises EngineUnavailableError."""
        return self._engine.version()

    def disk_free_bytes(self) -> int | None:
        """Free space where images are kept; None when that is not a folder that we can see."""
        if not self._engine.url.startswith(_LOCAL):
            return None
        try:
            return shutil.disk_usage(self._info()["DockerRootDir"]).free
        except OSError:
            return None

    def _newest(self, compose_service: str) -> Mapping[str, Any] | None:
        found = [self._inspect(container) for container in self._listed(compose_service)]
        containers = [container for container in found if container is not None]
        return max(containers, key=lambda container: str(container["Created"]), default=None)

    def _listed(self, compose_service: str) -> list[Mapping[str, Any]]:
        labels = [
            f"{PROJECT_LABEL}={self._compose.project}",
            f"{SERVICE_LABEL}={compose_service}",
            f"{ONE_OFF_LABEL}=False",
        ]
        with self._engine.calling(compose_service):
            found: list[Mapping[str, Any]] = self._engine.api.containers(
                all=True, filters={"label": labels}
            )
        return found

    def _inspect(self, container: Mapping[str, Any]) -> Mapping[str, Any] | None:
        try:
            with self._engine.calling(container["Id"]):
                found: Mapping[str, Any] = self._engine.api.inspect_container(container["Id"])
        except ImageNotFoundError:
            # Removed since it was listed: Compose is at work.
            return None
        return found

    def _release(self, service: str, container: Mapping[str, Any]) -> RunningRelease:
        reference, labels = container["Config"]["Image"], container["Config"]["Labels"] or {}
        name = ImageReference.parse(reference)
        state = container["State"]
        return RunningRelease(
            service=service,
            container_id=container["Id"],
            image_id=container["Image"],
            repo_digests=self._images.digests(container["Image"], name.repository),
            reference=reference,
            version=name.tag or labels.get(VERSION_LABEL, ""),
            revision=labels.get(REVISION_LABEL, ""),
            state=state["Status"],
            health=_health(state),
            restart_count=container["RestartCount"],
            started_at=_moment(state["StartedAt"]),
        )

    def _is_insecure(self, host: str) -> bool:
        """Whether this engine speaks plain HTTP to a registry, by name or by network."""
        config = self._info()["RegistryConfig"]
        index = config["IndexConfigs"].get(host)
        if index is not None:
            return not index["Secure"]
        try:
            address = ip_address(host.partition(":")[0])
        except ValueError:
            return False
        return any(address in ip_network(cidr) for cidr in config["InsecureRegistryCIDRs"] or ())

    def _credentials(self, host: str) -> Credentials | None:
        api = self._engine.api
        with self._engine.calling(host):
            # Docker's own client reads them, and offers no other way to them.
            known = resolve_authconfig(api._auth_configs, host or "docker.io")  # noqa: SLF001
        found = {key.lower(): value for key, value in (known or {}).items()}
        if not found.get("username"):
            return None
        return found["username"], found.get("password", "")

    def _info(self) -> Mapping[str, Any]:
        with self._engine.calling("info"):
            found: Mapping[str, Any] = self._engine.api.info()
        return found


def _moment(said: str) -> datetime | None:
    """The engine's RFC 3339 time; its year 1 stands for never."""
    return None if said.startswith("0001-") else datetime.fromisoformat(said)


def _health(state: Mapping[str, Any]) -> ContainerHealth:
    """What the container's HEALTHCHECK says; Docker says "none" for one that was switched off."""
    said = (state.get("Health") or {}).get("Status")
    known: tuple[ContainerHealth, ...] = ("starting", "healthy", "unhealthy")
    return next((health for health in known if health == said), "")
