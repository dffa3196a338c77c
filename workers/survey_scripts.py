"""Look into the images of the migrations' service: which scripts they have, what they suit."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from concurrent.futures import Executor
from dataclasses import dataclass

from commands.database_ports import MigrationTool
from commands.domain.database import Fit, RevisionId, ScriptGraph
from commands.domain.errors import ImageNotFoundError
from commands.domain.facts import ReleaseImage, RunningRelease
from commands.domain.plan import Target
from commands.domain.runbook import ServiceDefinition
from commands.planner.graph import fit_of
from commands.planner.pins import compose_name
from commands.ports import Containers

NEWEST = 12
"""So many of the newest local images are looked into: a second each, once in an image's life."""


@dataclass(frozen=True, slots=True)
class ScriptsLook:
    """Looks at one service's images. Raises EngineError."""

    name: str
    definition: ServiceDefinition
    containers: Containers
    tool: MigrationTool

    def running(self, running: RunningRelease | None) -> ScriptGraph | None:
        """The scripts of the image that runs; None when there is none, or it is gone."""
        if running is None:
            return None
        return self.graph(running.version, running.digest)

    def graph(self, version: str, digest: str) -> ScriptGraph | None:
        """The scripts of one local image; None if that very image is not here."""
        target = Target(
            service=self.name,
            compose_service=compose_name(self.name, self.definition),
            repository=self.definition.image,
            version=version,
            digest=digest,
        )
        try:
            return self.tool.graph(target)
        except ImageNotFoundError:
            return None

    def newest_images(self) -> tuple[ReleaseImage, ...]:
        """The newest local images of the migrations' service."""
        return self._local()[:NEWEST]

    def newest(
        self, running: RunningRelease | None, revisions: tuple[RevisionId, ...]
    ) -> ScriptGraph | None:
        """Of the running image; if that has been rolled back already, of a newer one (H2).

        Only an image that has what is in the database can take it back: the one that brought it
        up, else the newest that knows it.
        """
        graph = self.running(running)
        if graph is not None and (graph.why or all(graph.knows(one) for one in revisions)):
            return graph
        read = (self.graph(image.version, image.digest) for image in self.newest_images())
        others = [one for one in read if one is not None and fit_of(one, revisions).knows]
        exact = (one for one in others if one.heads == revisions)
        return next(exact, others[0] if others else graph)

    def fits(
        self, pool: Executor, revisions: tuple[RevisionId, ...], named: Collection[str]
    ) -> Callable[[], tuple[Fit, ...]]:
        """Begin to ask the newest local images, newest first, and those that are named."""
        images = self._local()
        wanted = [*images[:NEWEST], *(i for i in images[NEWEST:] if i.version in named)]
        asked = [pool.submit(self.fit, i.version, i.digest, revisions) for i in wanted]
        return lambda: tuple(one.result() for one in asked)

    def fit(self, version: str, digest: str, revisions: Iterable[RevisionId]) -> Fit:
        """Whether one image suits these revisions; nothing known when it is not here."""
        graph = self.graph(version, digest)
        return fit_of(graph, revisions) if graph else Fit(service=self.name, version=version)

    def _local(self) -> tuple[ReleaseImage, ...]:
        return self.containers.local_images(self.definition.image)
