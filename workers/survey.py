"""Read the world before planning, and again after approval: read-only, and lean.

The second survey stands between a person's "yes" and the first changing step, so every question
to engine, registry and git is asked side by side, and no Compose process is started.
"""

from __future__ import annotations

from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass

from commands.domain.database import DatabaseFacts
from commands.domain.errors import (
    EngineError,
    EngineUnavailableError,
    PlanRefusedError,
    SettingsError,
)
from commands.domain.facts import (
    Facts,
    KnownRelease,
    LedgerLine,
    PinFact,
    ServiceFacts,
)
from commands.domain.plan import digest_of
from commands.domain.request import Request
from commands.domain.runbook import Compose, Runbook
from commands.domain.text import Text
from commands.planner.fitting import wanted
from commands.planner.images import proven_digest
from commands.planner.pins import compose_name, pin_for, pin_path
from commands.planner.releases import Sources, merge
from commands.ports import Clock, ConfigFiles, Containers, History
from workers.survey_database import DatabaseLook
from workers.survey_glance import Glance
from workers.survey_service import NO_REGISTRY, ServiceLook, auto

THREADS = 8


@dataclass(frozen=True, slots=True)
class Surveyor:
    """Surveys one environment. Every method raises EngineError when the engine is away."""

    runbook: Runbook
    environment: str
    containers: Containers
    files: ConfigFiles
    history: History
    clock: Clock
    database: DatabaseLook | None = None

    def survey(self, request: Request, ledger: tuple[LedgerLine, ...]) -> Facts:
        """What the planner must know for this request, and no more."""
        with ThreadPoolExecutor(THREADS) as pool:
            looks = {
                s: ServiceLook.of(
                    pool, self.containers, s, self.runbook.services[s], request.version
                )
                for s in request.services
            }
            glance = None if request.changes_database else self._glance(looks)
            free = pool.submit(self.containers.disk_free_bytes)
            listed = pool.map(lambda look: look.known(ledger), looks.values())
            known = dict(zip(looks, listed, strict=True))
            database, why = self._whole(pool, request, looks, ledger)
            version = self._wanted(request, database, looks, known)
            services = pool.map(
                lambda s: self._service(looks[s], known[s], ledger, request, version), looks
            )
            surveyed = tuple(services)
            if glance is not None:
                database, why = glance.facts(surveyed)
            return Facts(
                environment=self.environment,
                services=surveyed,
                database=database,
                database_why=why,
                sharing_variable=self._sharing(),
                config_fingerprint=self._fingerprint(),
                registry_reached=all(look.registry_reached for look in looks.values()),
                disk_free_bytes=free.result(),
                surveyed_at=self.clock.now(),
            )

    def _glance(self, looks: dict[str, ServiceLook]) -> Glance | None:
        """Begin to ask the database, if the service with the migrations is to be rolled back."""
        if self.database is None or self.database.service not in looks:
            return None
        return Glance.begun(self.database, looks[self.database.service].running)

    def _whole(
        self,
        pool: Executor,
        request: Request,
        looks: dict[str, ServiceLook],
        ledger: tuple[LedgerLine, ...],
    ) -> tuple[DatabaseFacts | None, Text | None]:
        """All about the database when it is to be changed; else nothing, and no reason."""
        if not request.changes_database or self.database is None:
            return None, None
        look = looks.get(self.database.service)
        try:
            running = look.running.result() if look else None
            return self.database.whole(pool, request, running, ledger), None
        except EngineUnavailableError:
            raise
        except (EngineError, SettingsError) as error:
            return None, error.text

    def _wanted(
        self,
        request: Request,
        database: DatabaseFacts | None,
        looks: dict[str, ServiceLook],
        known: dict[str, tuple[KnownRelease, ...]],
    ) -> str:
        """The version that the planner will choose, by the planner's own rules; "" if none."""
        if not request.changes_database:
            return request.version or auto(looks, known) or ""
        if self.database is None or database is None:
            return request.version or ""
        try:
            service = self.database.service
            return wanted(request, self.database.definition, database, known[service])
        except PlanRefusedError:
            return request.version or ""

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
        look: ServiceLook,
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
