"""A container engine in memory: one Compose project, a registry, images by repository and tag."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256

from commands.domain.errors import EngineError, EngineUnavailableError, ImageNotFoundError
from commands.domain.facts import ImageDigest, ReleaseImage, RunningRelease
from commands.domain.plan import CommandLine
from commands.ports import OneOffOutcome, ProgramOutcome

START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def digest_of(content: str) -> ImageDigest:
    """A digest that is another one for other content."""
    return f"sha256:{sha256(content.encode()).hexdigest()}"


@dataclass(frozen=True, slots=True)
class FakeImage:
    """`digest` is the registry's, `image_id` the engine's."""

    repository: str
    tag: str
    digest: ImageDigest
    image_id: ImageDigest

    @classmethod
    def of(cls, repository: str, tag: str, note: str = "") -> FakeImage:
        """An image; another `note` is another content under the same tag."""
        said = f"{repository}:{tag}:{note}"
        return cls(repository, tag, digest_of(f"manifest of {said}"), digest_of(said))


@dataclass(slots=True)
class FakeContainers:
    """`Containers` that remember. `wanted`: the image that Compose would read for a service.

    `log` has every call that changes something; `away` makes the engine unreachable; `after_up` is
    called with the service once it was switched (to play a crash, a bad release and so on).
    `played` answers for a one-off program: its words, its secrets and its time limit in, what
    came of it out; `variables` are those of the services' containers.
    """

    wanted: Callable[[str], str]
    published: dict[str, FakeImage] = field(default_factory=dict)
    here: dict[str, FakeImage] = field(default_factory=dict)
    project: dict[str, RunningRelease] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    away: bool = False
    after_up: Callable[[str], object] = lambda _: None
    played: Callable[[tuple[str, ...], Mapping[str, str], float], OneOffOutcome] = lambda *_: (
        OneOffOutcome(0, "", "", 0.01)
    )
    variables: dict[str, dict[str, str]] = field(default_factory=dict)
    _made: int = 0

    def publish(self, image: FakeImage) -> None:
        """Push an image to the registry."""
        self.published[f"{image.repository}:{image.tag}"] = image

    def start(self, service: str, image: FakeImage) -> RunningRelease:
        """Have a container of that image, as a deploy left it."""
        self._made += 1
        self.here[f"{image.repository}:{image.tag}"] = image
        release = RunningRelease(
            service=service,
            container_id=f"{self._made:064x}",
            image_id=image.image_id,
            repo_digests=(image.digest,),
            reference=f"{image.repository}:{image.tag}",
            version=image.tag,
            started_at=START,
        )
        self.project[service] = release
        return release

    def running(self, compose_service: str) -> RunningRelease | None:
        self._refuse_when_away()
        return self.project.get(compose_service)

    def local_images(self, repository: str) -> tuple[ReleaseImage, ...]:
        self._refuse_when_away()
        return tuple(
            ReleaseImage(
                service="",
                repository=repository,
                version=name.rpartition(":")[2],
                digest=image.digest,
                image_id=image.image_id,
                repo_digests=(image.digest,),
                local=True,
                created_at=START,
            )
            for name, image in reversed(self.here.items())
            if name.rpartition(":")[0] == repository
        )

    def registry_tags(self, repository: str) -> tuple[str, ...]:
        self._refuse_when_away()
        return tuple(i.tag for i in self.published.values() if i.repository == repository)

    def registry_digest(self, repository: str, tag: str) -> ImageDigest | None:
        self._refuse_when_away()
        image = self.published.get(f"{repository}:{tag}")
        return image.digest if image else None

    def pull(self, repository: str, tag: str, digest: ImageDigest, timeout_s: float) -> None:
        self._refuse_when_away()
        if self.has_image(repository, tag, digest):
            return
        known = (*self.here.values(), *self.published.values())
        found = next((i for i in known if digest in (i.digest, i.image_id)), None)
        if found is None:
            raise ImageNotFoundError(f"{repository}@{digest}")
        self.log.append(f"pull {repository}:{tag}")
        self.here[f"{repository}:{tag}"] = found

    def has_image(self, repository: str, tag: str, digest: ImageDigest) -> bool:
        self._refuse_when_away()
        image = self.here.get(f"{repository}:{tag}")
        return image is not None and digest in (image.digest, image.image_id)

    def remove_image(self, repository: str, tag: str) -> None:
        self._refuse_when_away()
        image = self.here.get(f"{repository}:{tag}")
        if image is None or any(r.image_id == image.image_id for r in self.project.values()):
            return
        self.log.append(f"remove {repository}:{tag}")
        del self.here[f"{repository}:{tag}"]

    def compose(self, command: CommandLine, timeout_s: float) -> ProgramOutcome:
        self._refuse_when_away()
        services = [word for word in command.argv if word in self.project]
        for service in services:
            image = self.here.get(self.wanted(service))
            if image is None:
                return ProgramOutcome(1, f"No such image: {self.wanted(service)}", 0.01)
            if self.project[service].image_id != image.image_id:
                self.log.append(f"up {service} {image.tag}")
                self.start(service, image)
                self.after_up(service)
        return ProgramOutcome(0, "", 0.01)

    def one_off(
        self,
        command: CommandLine,
        timeout_s: float,
        secrets: Mapping[str, str],
        cpus: float | None = None,
    ) -> OneOffOutcome:
        self._refuse_when_away()
        limit = f" on {cpus} CPU" if cpus else ""
        self.log.append(f"one-off{limit} {' '.join(command.argv)}")
        return self.played(command.argv, secrets, timeout_s)

    def ask_image(
        self, repository: str, version: str, argv: tuple[str, ...], timeout_s: float
    ) -> OneOffOutcome:
        self._refuse_when_away()
        if f"{repository}:{version}" not in self.here:
            raise ImageNotFoundError(f"{repository}:{version}")
        return self.played(argv, {}, timeout_s)

    def variable(self, compose_service: str, name: str) -> str | None:
        self._refuse_when_away()
        return self.variables.get(compose_service, {}).get(name)

    def address(self, compose_service: str) -> str | None:
        self._refuse_when_away()
        running = self.project.get(compose_service)
        return "127.0.0.1" if running and running.state == "running" else None

    def in_container(
        self, compose_service: str, argv: tuple[str, ...], environment: Mapping[str, str]
    ) -> tuple[str, ...]:
        if self.address(compose_service) is None:
            raise EngineError(what=compose_service, why="no container runs")
        return argv

    def settle(self, rollback_id: str, timeout_s: float) -> None:
        self._refuse_when_away()

    def ping(self) -> str:
        self._refuse_when_away()
        return "28.0-fake"

    def disk_free_bytes(self) -> int | None:
        self._refuse_when_away()
        return None

    def _refuse_when_away(self) -> None:
        if self.away:
            raise EngineUnavailableError(engine="fake", why="away")
