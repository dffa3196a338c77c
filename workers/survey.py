"""Read the world before planning, and again after approval: read-only, and lean.

The second survey stands between a person's "yes" and the first changing step, so every question
to engine, registry and git is asked side by side, and no Compose process is started.
"""

from __future__ import annotations

from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass

from commands.domain.errors import EngineUnavailableError, RegistryUnavailableError
from commands.domain.facts import (
    Facts,
    ImageDigest,
    KnownRelease,
    LedgerLine,
    PinFact,
    ReleaseImage,
    RunningRelease,
    ServiceFacts,
)
from commands.domain.plan import digest_of
from commands.domain.request import Request
from commands.domain.runbook import Compose, Runbook
from commands.planner.images import Images, proven_digest
from commands.planner.pins import compose_name, pin_for, pin_path
from commands.planner.releases import Sources, merge, newest_common, returnable
from commands.ports import Clock, ConfigFiles, Containers, History

THREADS = 8
NO_REGISTRY = (RegistryUnavailableError, EngineUnavailableError)


@dataclass(frozen=True, slots=True)
class Surveyor:
    """Surveys one environment. Every method raises EngineError when the engine is away."""

    runbook: Runbook
    environment: str
    containers: Containers
    files: ConfigFiles
    history: History
    clock: Clock

    def survey(self, request: Request, ledger: tuple[LedgerLine, ...]) -> Facts:
        """What the planner must know for this request, and no more."""
        with ThreadPoolExecutor(THREADS) as pool:
            looks = {s: _Look.of(self, pool, s, request.version) for s in request.services}
            free = pool.submit(self.containers.disk_free_bytes)
            listed = pool.map(lambda look: look.known(ledger), looks.values())
            known = dict(zip(looks, listed, strict=True))
            wanted = request.version or _auto(looks, known) or ""
            services = pool.map(
                lambda s: self._service(looks[s], known[s], ledger, request, wanted), looks
            )
            return Facts(
                environment=self.environment,
                services=tuple(services),
                sharing_variable=self._sharing(),
                config_fingerprint=self._fingerprint(),
                registry_reached=all(look.registry_reached for look in looks.values()),
                disk_free_bytes=free.result(),
                surveyed_at=self.clock.now(),
            )

    def releases(self, service: str, ledger: tuple[LedgerLine, ...]) -> tuple[KnownRelease, ...]:
        """Everything that `versions` shows of one service, newest first.

        A registry that does not answer contributes nothing; the engine must answer.
        """
        definition = self.runbook.services[service]
        with ThreadPoolExecutor(THREADS) as pool:
            running = pool.submit(self.containers.running, compose_name(service, definition))
            local = pool.submit(self.containers.local_images, definition.image)
            registry = pool.submit(self._registry_tags, definition.image)
            git = pool.submit(self.history.tags)
            sources = Sources(
                ledger, local.result(), registry.result(), git.result(), running.result()
            )
        return merge(service, sources)

    def _service(
        self,
        look: _Look,
        known: tuple[KnownRelease, ...],
        ledger: tuple[LedgerLine, ...],
        request: Request,
        wanted: str,
    ) -> ServiceFacts:
        name, running = look.name, look.running.result()
        target = look.image(wanted, proven_digest(known, wanted) if request.auto else None)
        if target is None:
            # Rare, and about to be refused: now the choices are worth a few more questions.
            known = self.releases(name, ledger)
        commits: tuple[str, ...] = ()
        if wanted and running is not None and running.version not in ("", wanted):
            commits = self.history.commits_between(wanted, running.version)
        return ServiceFacts(
            service=name,
            running=running,
            target=target,
            pin=self._pin(name),
            releases=known,
            commits_undone=commits,
        )

    def _registry_tags(self, repository: str) -> tuple[str, ...]:
        try:
            return self.containers.registry_tags(repository)
        except NO_REGISTRY:
            return ()

    def _pin(self, name: str) -> PinFact:
        pin = pin_for(self._compose, name, self.runbook.services[name], "")
        return PinFact(
            service=name,
            path=pin.path,
            variable=pin.name if pin.kind == "variable" else "",
            value=self.files.pinned(pin) or "",
            fingerprint=self.files.fingerprint(pin.path),
        )

    def _sharing(self) -> dict[str, tuple[str, ...]]:
        """Which services of the environment read which version variable (H7)."""
        sharing: dict[str, tuple[str, ...]] = {}
        for name in self.runbook.service_names(self.environment):
            variable = self.runbook.services[name].version_variable
            sharing[variable] = (*sharing.get(variable, ()), name)
        return sharing

    def _fingerprint(self) -> str:
        """Over every file that Compose will read: an edit of any changes what `up` does."""
        compose = self._compose
        paths = dict.fromkeys((*compose.files, compose.env_file, pin_path(compose)))
        return digest_of({path: self.files.fingerprint(path) for path in paths})

    @property
    def _compose(self) -> Compose:
        return self.runbook.environments[self.environment].compose


@dataclass(slots=True)
class _Look:
    """The questions about one service, asked side by side."""

    name: str
    repository: str
    containers: Containers
    running: Future[RunningRelease | None]
    asked: Future[ImageDigest | None] | None
    here: tuple[ReleaseImage, ...] | None = None
    registry_reached: bool = True

    @classmethod
    def of(cls, surveyor: Surveyor, pool: Executor, name: str, version: str | None) -> _Look:
        """Begin to ask; the registry too, when the version is known already."""
        definition, containers = surveyor.runbook.services[name], surveyor.containers
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


def _auto(looks: dict[str, _Look], known: dict[str, tuple[KnownRelease, ...]]) -> str | None:
    """The version that the planner will choose, by the planner's own rule."""
    running = [r.version if (r := look.running.result()) else "" for look in looks.values()]
    choices = [returnable(k, now) for k, now in zip(known.values(), running, strict=True)]
    return newest_common(choices, running)
