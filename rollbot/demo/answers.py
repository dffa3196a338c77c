"""What the embedded engine's HTTP address offers, and the form of what goes in and out."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field, JsonValue

from rollbot.demo.containers import Container
from rollbot.demo.engine import Engine
from rollbot.demo.images import Image, Record, Shelf


class Push(Record):
    """Body of `POST /registry/push`."""

    image: Image
    tag: str


class Pull(Record):
    """Body of `POST /images/pull`."""

    repository: str
    digest: str
    tag: str | None = None


class Tag(Record):
    """Body of `POST /images/tag`."""

    image_id: str
    tag: str


class Remove(Record):
    """Body of `POST /images/remove`."""

    image: str


class Untag(Record):
    """Body of `POST /images/untag`."""

    reference: str


class Run(Record):
    """Body of `POST /run`: a Compose command line, where and with what it is run."""

    argv: tuple[str, ...]
    cwd: Path
    environment: dict[str, str] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answers:
    """Paths to answers. Reading never waits for a change; changing belongs on one thread."""

    engine: Engine

    def read(self, path: str, query: Mapping[str, str]) -> JsonValue:
        """Answer a GET. Raises LookupError where there is nothing."""
        readers: dict[str, Callable[[Mapping[str, str]], JsonValue]] = {
            "/info": lambda _: {
                "version": "rollbot-demo 1",
                "images": str(self.engine.shelves.directory / "images"),
                "disk_free_bytes": shutil.disk_usage(self.engine.shelves.directory).free,
            },
            "/containers": self._containers,
            "/images": self._images,
            "/registry/tags": self._registry_tags,
            "/effects": lambda _: [
                effect.model_dump(mode="json") for effect in self.engine.shelves.effects()
            ],
        }
        if path not in readers:
            raise LookupError(f"nothing at {path}")
        return readers[path](query)

    def change(self, path: str, body: bytes) -> JsonValue:
        """Answer a POST. Raises LookupError, pydantic.ValidationError, RefusedError."""
        changers: dict[str, Callable[[bytes], JsonValue]] = {
            "/registry/push": self._push,
            "/images/pull": self._pull,
            "/images/tag": lambda text: self._tag(Tag.model_validate_json(text)),
            "/images/untag": lambda text: self._untag(Untag.model_validate_json(text)),
            "/images/remove": lambda text: self._remove(Remove.model_validate_json(text)),
            "/run": self._run,
            "/one_off": self._one_off,
            # Whatever was asked before is done by the time this one is read.
            "/settle": lambda _: None,
        }
        if path not in changers:
            raise LookupError(f"nothing at {path}")
        return changers[path](body)

    def _push(self, body: bytes) -> JsonValue:
        push = Push.model_validate_json(body)
        self.engine.push(push.image, push.tag)
        return _image(push.image, self.engine.stock.registry)

    def _pull(self, body: bytes) -> JsonValue:
        pull = Pull.model_validate_json(body)
        image = self.engine.pull(pull.repository, pull.digest, pull.tag)
        return _image(image, self.engine.stock.local)

    def _tag(self, tag: Tag) -> None:
        self.engine.tag(tag.image_id, tag.tag)

    def _untag(self, untag: Untag) -> None:
        self.engine.untag(untag.reference)

    def _remove(self, remove: Remove) -> None:
        self.engine.remove_image(remove.image)

    def _run(self, body: bytes) -> JsonValue:
        run = Run.model_validate_json(body)
        return self.engine.run(run.argv, run.cwd, run.environment).model_dump(mode="json")

    def _one_off(self, body: bytes) -> JsonValue:
        run = Run.model_validate_json(body)
        return self.engine.one_off(run.argv, run.cwd, run.environment).model_dump(mode="json")

    def _containers(self, query: Mapping[str, str]) -> JsonValue:
        return [
            self._container(container)
            for container in self.engine.stock.containers.values()
            if query.get("project", container.project) == container.project
            and query.get("service", container.service) == container.service
        ]

    def _container(self, container: Container) -> JsonValue:
        local = self.engine.stock.local
        return {
            **container.model_dump(mode="json"),
            "image": _image(local.images[container.image_id], local),
            "pid": self.engine.processes.pid(container),
        }

    def _images(self, query: Mapping[str, str]) -> JsonValue:
        local = self.engine.stock.local
        wanted = query.get("repository")
        images = local.images.values() if wanted is None else local.of(wanted)
        return [_image(image, local) for image in images]

    def _registry_tags(self, query: Mapping[str, str]) -> JsonValue:
        registry = self.engine.stock.registry
        tags = registry.tags_of(query["repository"])
        return {tag: _image(image, registry) for tag, image in tags.items()}


def _image(image: Image, shelf: Shelf) -> JsonValue:
    return {
        "id": image.id,
        "repo_tags": list(shelf.references_to(image)),
        "repo_digests": [f"{image.repository}@{image.digest}"],
        "digest": image.digest,
        "labels": dict(image.labels),
        "created_at": image.created_at.isoformat(),
        "size_bytes": len(image.model_dump_json()),
    }
