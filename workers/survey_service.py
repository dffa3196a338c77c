"""The questions about one service, asked side by side with those about others."""

from __future__ import annotations

from concurrent.futures import Executor, Future
from dataclasses import dataclass

from commands.domain.errors import EngineUnavailableError, RegistryUnavailableError
from commands.domain.facts import (
    ImageDigest,
    KnownRelease,
    LedgerLine,
    ReleaseImage,
    RunningRelease,
)
from commands.domain.runbook import ServiceDefinition
from commands.planner.images import Images
from commands.planner.pins import compose_name
from commands.planner.releases import Sources, merge, newest_common, returnable
from commands.ports import Containers

NO_REGISTRY = (RegistryUnavailableError, EngineUnavailableError)


@dataclass(slots=True)
class ServiceLook:
    """The questions about one service, asked side by side."""

    name: str
    repository: str
    containers: Containers
    running: Future[RunningRelease | None]
    asked: Future[ImageDigest | None] | None
    here: tuple[ReleaseImage, ...] | None = None
    registry_reached: bool = True

    @classmethod
    def of(
        cls,
        pool: Executor,
        containers: Containers,
        name: str,
        definition: ServiceDefinition,
        version: str | None,
    ) -> ServiceLook:
        """Begin to ask; the registry too, when the version is known already."""
        repository = definition.image
        running = pool.submit(containers.running, compose_name(name, definition))
        asked = pool.submit(containers.registry_digest, repository, version) if version else None
        return cls(name, repository, containers, running, asked)

    def known(self, ledger: tuple[LedgerLine, ...]) -> tuple[KnownRelease, ...]:
        """What the ledger and the engine know; enough for proof and for `auto`.

        A version that was named needs no list of images: on a host with thousands of them the
        engine takes longer over it than over everything else.
        """
        local = () if self.asked else self._local()
        return merge(self.name, Sources(ledger=ledger, local=local, running=self.running.result()))

    def image(self, version: str, proven: ImageDigest | None) -> ReleaseImage | None:
        """The image of that version; with `proven`, only that very one."""
        if not version:
            return None
        registry = self._registry_digest(version)
        local = () if registry and not proven else self._local()
        images = Images(self.name, self.repository, local, registry)
        return images.proven(version, proven) if proven else images.named(version)

    def _local(self) -> tuple[ReleaseImage, ...]:
        if self.here is None:
            self.here = self.containers.local_images(self.repository)
        return self.here

    def _registry_digest(self, version: str) -> ImageDigest | None:
        try:
            if self.asked is not None:
                return self.asked.result()
            return self.containers.registry_digest(self.repository, version)
        except NO_REGISTRY:
            # An engine that waits for a dead registry looks silent itself: what it said of its
            # containers tells which of the two is away, and raises if it is the engine.
            self.running.result()
            self.registry_reached = False
            return None


def auto(looks: dict[str, ServiceLook], known: dict[str, tuple[KnownRelease, ...]]) -> str | None:
    """The version that the planner will choose, by the planner's own rule."""
    running = [r.version if (r := look.running.result()) else "" for look in looks.values()]
    choices = [returnable(k, now) for k, now in zip(known.values(), running, strict=True)]
    return newest_common(choices, running)
