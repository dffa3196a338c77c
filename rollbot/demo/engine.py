"""The embedded engine: images, a registry and a Compose project of local processes.

It answers what the `Containers` port asks, so that the demo needs no Docker. Effects happen on
one thread, one after the other, each noted; answers come from the stock at any time.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rollbot.demo.containers import Container, ContainerState, Processes
from rollbot.demo.images import Image, Record, Reference
from rollbot.demo.project import ComposeError, Project, ServiceSpec, load, parse_command_line
from rollbot.demo.stock import Shelves, Stock


class Outcome(Record):
    """How a command line ended."""

    exit_code: int
    output: str


class OneOff(Record):
    """A program to be run in the folder of an image."""

    argv: tuple[str, ...]
    digest: str
    environment: dict[str, str]


class RefusedError(Exception):
    """What was asked cannot be done; the text says why."""


@dataclass(slots=True)
class Engine:
    """Images, registry and containers. Not thread-safe: reading is, changing wants one thread."""

    shelves: Shelves
    processes: Processes
    stock: Stock = field(default_factory=Stock)

    @classmethod
    def opened(cls, directory: Path) -> Engine:
        """The engine that keeps its things in `directory`; starts what ran when it last ended."""
        logs = directory / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        engine = cls(Shelves(directory), Processes(logs))
        engine.stock = engine.shelves.read()
        for container in engine.stock.containers.values():
            if container.state in (ContainerState.RUNNING, ContainerState.RESTARTING):
                engine._start(container, restarts=1)
        return engine

    def push(self, image: Image, tag: str) -> None:
        """Put an image into the registry under a tag, moving the tag if it is taken."""
        self._keep(self.stock.model_copy(update={"registry": self.stock.registry.put(image, tag)}))
        self.shelves.note("pushed", f"{image.repository}:{tag}", image.digest)

    def pull(self, repository: str, digest: str, tag: str | None) -> Image:
        """Copy one image by digest from the registry, and tag it. Safe to repeat."""
        image = self.stock.registry.find(f"{repository}@{digest}")
        if image is None:
            raise RefusedError(f"manifest for {repository}@{digest} not found")
        self._take(image, tag)
        return image

    def tag(self, image_id: str, tag: str) -> None:
        """Give a local image one more tag, or move the tag to it."""
        image = self.stock.local.find(image_id)
        if image is None:
            raise RefusedError(f"No such image: {image_id}")
        self._take(image, tag)

    def remove_image(self, text: str) -> None:
        """Remove a local image and its tags. Raises RefusedError while a container uses it."""
        image = self.stock.local.find(text)
        if image is None:
            raise RefusedError(f"No such image: {text}")
        users = [c.name for c in self.stock.containers.values() if c.image_id == image.id]
        if users:
            raise RefusedError(f"image is being used by {', '.join(sorted(users))}")
        self._keep(self.stock.model_copy(update={"local": self.stock.local.without(image)}))
        self.shelves.note("image_removed", image.repository, image.digest)

    def untag(self, reference: str) -> None:
        """Take a local tag away, and the image with its last one. Safe to repeat.

        A tag that is not there, or whose image a container uses, is left alone.
        """
        image_id = self.stock.local.tags.get(reference)
        if image_id is None or image_id in {c.image_id for c in self.stock.containers.values()}:
            return
        after = self.stock.local.without_tag(reference)
        self._keep(self.stock.model_copy(update={"local": after}))
        self.shelves.note("untagged", reference)

    def run(self, argv: Sequence[str], cwd: Path, environment: Mapping[str, str]) -> Outcome:
        """Carry out a Compose command line as Compose would, exit code included."""
        try:
            options = parse_command_line(argv, run=False)
            project = load(options, cwd, environment)
            specs = project.named(options.services)
            return Outcome(exit_code=0, output=self._carry_out(options, project, specs))
        except ComposeError as error:
            return Outcome(exit_code=error.exit_code, output=f"{error}\n")

    def one_off(
        self, argv: Sequence[str], cwd: Path, environment: Mapping[str, str]
    ) -> OneOff | Outcome:
        """What `run --rm …` would run, in which image's folder; the asker runs it as its child.

        A variable that is named without a value (`-e NAME`) is the asker's to add.
        """
        try:
            options = parse_command_line(argv)
            spec = load(options, cwd, environment).named([options.service])[0]
        except ComposeError as error:
            return Outcome(exit_code=error.exit_code, output=f"{error}\n")
        image = self.stock.local.find(spec.image)
        if image is None:
            return Outcome(exit_code=1, output=f"No such image: {spec.image}\n")
        given = (line.partition("=") for line in options.variables)
        return OneOff(
            argv=(options.entrypoint, *options.arguments),
            digest=image.digest,
            environment={**spec.environment, **{n: v for n, found, v in given if found}},
        )

    def tick(self) -> None:
        """Notice processes that ended by themselves; restart those whose pause is over."""
        for container in list(self.stock.containers.values()):
            if self.processes.has_ended(container):
                self._put(container.now(ContainerState.RESTARTING))
                self.shelves.note("container_died", container.name, container.id)
            elif self.processes.is_due(container):
                self._start(container, restarts=1)

    def close(self) -> None:
        """End every process; the stock still says they should run."""
        for container in self.stock.containers.values():
            self.processes.stop(container, timedelta(seconds=2))

    def _carry_out(
        self, options: argparse.Namespace, project: Project, specs: list[ServiceSpec]
    ) -> str:
        match options.command:
            case "up":
                images = {spec.name: self._image_for(spec, options.pull) for spec in specs}
                return "".join(self._up(project, s, images[s.name], options) for s in specs)
            case "pull":
                images = {spec.name: self._image_for(spec, "always") for spec in specs}
                return "".join(f"{name} Pulled\n" for name in images)
            case _:
                return "".join(self._stop(spec, options.timeout) for spec in specs)

    def _image_for(self, spec: ServiceSpec, policy: str) -> Image:
        local = self.stock.local.find(spec.image)
        if local is not None and policy != "always":
            return local
        remote = self.stock.registry.find(spec.image) if policy != "never" else None
        if remote is None:
            raise ComposeError(f"manifest for {spec.image} not found: manifest unknown")
        self._take(remote, Reference.parse(spec.image).tag)
        return remote

    def _up(
        self, project: Project, spec: ServiceSpec, image: Image, options: argparse.Namespace
    ) -> str:
        now = self.stock.containers.get(spec.container_name)
        is_same = now is not None and (now.image_id, now.config_hash) == (
            image.id,
            spec.config_hash,
        )
        if now is not None and is_same and not options.force_recreate:
            if now.state is ContainerState.EXITED:
                self._start(now)
            return f"Container {spec.container_name} Running\n"
        if now is not None:
            self._stop(spec, options.timeout)
            self.shelves.note("container_removed", now.name, now.id)
        fresh = Container(
            id=Container.new_id(),
            name=spec.container_name,
            project=project.name,
            service=spec.name,
            image_id=image.id,
            reference=spec.image,
            config_hash=spec.config_hash,
            port=spec.port,
            environment=spec.environment,
            created_at=datetime.now(UTC),
        )
        self._start(fresh)
        return f"Container {spec.container_name} Started\n"

    def _stop(self, spec: ServiceSpec, patience_s: int) -> str:
        now = self.stock.containers.get(spec.container_name)
        if now is None or now.state is ContainerState.EXITED:
            return ""
        self._put(self.processes.stop(now, timedelta(seconds=patience_s)))
        self.shelves.note("container_stopped", now.name, now.id)
        return f"Container {now.name} Stopped\n"

    def _start(self, container: Container, *, restarts: int = 0) -> None:
        image = self.stock.local.images[container.image_id]
        started = self.processes.start(container, image)
        self._put(started.now(ContainerState.RUNNING, restarts=restarts))
        kind = "container_restarted" if restarts else "container_started"
        self.shelves.note(kind, container.name, f"{container.id} {image.digest}")

    def _take(self, image: Image, tag: str | None) -> None:
        after = self.stock.local.put(image, tag)
        if after != self.stock.local:
            self._keep(self.stock.model_copy(update={"local": after}))
            self.shelves.note("image_kept", f"{image.repository}:{tag}", image.digest)

    def _put(self, container: Container) -> None:
        containers = {**self.stock.containers, container.name: container}
        self._keep(self.stock.model_copy(update={"containers": containers}))

    def _keep(self, stock: Stock) -> None:
        self.stock = stock
        self.shelves.write(stock)
