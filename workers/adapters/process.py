"""The `Containers` port on the demo's embedded engine, which runs services as local processes.

The engine is a daemon of its own (JSON over HTTP on loopback), so that a worker's death is no
more to it than it is to Docker.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from types import MappingProxyType

import httpx
from pydantic import AwareDatetime, BaseModel, ConfigDict, TypeAdapter

from commands.domain.errors import (
    CommandTimedOutError,
    EngineError,
    EngineUnavailableError,
    ImageNotFoundError,
)
from commands.domain.facts import ImageDigest, ReleaseImage, RunningRelease
from commands.domain.plan import CommandLine
from commands.domain.runbook import Compose
from commands.ports import ProgramOutcome

_ANSWER_S = 10.0
_TAIL_CHARACTERS = 1024
_VERSION_LABEL = "org.opencontainers.image.version"
_REVISION_LABEL = "org.opencontainers.image.revision"
_NO_QUERY: Mapping[str, str] = MappingProxyType({})


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _Image(_Answer):
    id: str
    digest: str
    repo_tags: tuple[str, ...]
    repo_digests: tuple[str, ...]
    labels: dict[str, str]
    created_at: AwareDatetime
    size_bytes: int


class _Container(_Answer):
    id: str
    reference: str
    state: str
    restart_count: int
    started_at: AwareDatetime | None
    created_at: AwareDatetime
    image: _Image


class _Outcome(_Answer):
    exit_code: int
    output: str


class _Info(_Answer):
    version: str
    disk_free_bytes: int


_CONTAINERS = TypeAdapter(tuple[_Container, ...])
_IMAGES = TypeAdapter(tuple[_Image, ...])
_TAGS = TypeAdapter(dict[str, _Image])


class EmbeddedContainers:
    """One Compose project on the embedded engine at `compose.engine_url`."""

    def __init__(self, compose: Compose) -> None:
        self._compose = compose
        self._http = httpx.Client(base_url=compose.engine_url, timeout=_ANSWER_S, trust_env=False)

    def close(self) -> None:
        """Let the connection go."""
        self._http.close()

    def running(self, compose_service: str) -> RunningRelease | None:
        """What a service's newest container runs; None if there is no container."""
        query = {"project": self._compose.project, "service": compose_service}
        containers = _CONTAINERS.validate_json(self._get("/containers", query))
        if not containers:
            return None
        newest = max(containers, key=lambda container: container.created_at)
        image = newest.image
        return RunningRelease(
            service=compose_service,
            container_id=newest.id,
            image_id=image.id,
            repo_digests=_digests(image),
            reference=newest.reference,
            version=_tag(newest.reference) or image.labels.get(_VERSION_LABEL, ""),
            revision=image.labels.get(_REVISION_LABEL, ""),
            state=newest.state,
            restart_count=newest.restart_count,
            started_at=newest.started_at,
        )

    def local_images(self, repository: str) -> tuple[ReleaseImage, ...]:
        """The tagged images of a repository that are here, newest first."""
        images = _IMAGES.validate_json(self._get("/images", {"repository": repository}))
        tagged = [
            _release(repository, _tag(reference), image)
            for image in images
            for reference in image.repo_tags
        ]
        return tuple(sorted(tagged, key=_age, reverse=True))

    def registry_tags(self, repository: str) -> tuple[str, ...]:
        """The tags the engine's registry holds, newest image first."""
        tags = self._tags(repository)
        return tuple(sorted(tags, key=lambda tag: tags[tag].created_at, reverse=True))

    def registry_digest(self, repository: str, tag: str) -> ImageDigest | None:
        """The manifest digest of a tag without pulling it; None if the tag is not there."""
        image = self._tags(repository).get(tag)
        return image.digest if image else None

    def pull(self, repository: str, tag: str, digest: ImageDigest, timeout_s: float) -> None:
        """Have the image here under `repository:tag`, by digest. Safe to repeat."""
        body = {"repository": repository, "tag": tag, "digest": digest}
        with _translated(f"{repository}@{digest}"):
            self._http.post("/images/pull", json=body, timeout=timeout_s).raise_for_status()

    def has_image(self, repository: str, tag: str, digest: ImageDigest) -> bool:
        """Whether `repository:tag` is here and is that very digest."""
        return any(
            image.version == tag and digest in (image.image_id, *image.repo_digests)
            for image in self.local_images(repository)
        )

    def remove_image(self, repository: str, tag: str) -> None:
        """Remove a local tag; an image in use or not there is left alone. Safe to repeat."""
        reference = f"{repository}:{tag}"
        with _translated(reference):
            answer = self._http.post("/images/untag", json={"reference": reference})
            answer.raise_for_status()

    def compose(self, command: CommandLine, timeout_s: float) -> ProgramOutcome:
        """Run exactly this Compose command line, with no variable but the command's own (H6)."""
        body = {
            "argv": command.argv,
            "cwd": command.directory or self._compose.directory,
            "environment": command.environment,
        }
        program, began = command.argv[0], time.monotonic()
        try:
            with _translated(program):
                answer = self._http.post("/run", json=body, timeout=timeout_s).raise_for_status()
        except httpx.TimeoutException as error:
            raise CommandTimedOutError(program, timeout_s) from error
        outcome = _Outcome.model_validate_json(answer.content)
        return ProgramOutcome(
            exit_code=outcome.exit_code,
            tail=outcome.output[-_TAIL_CHARACTERS:],
            seconds=time.monotonic() - began,
        )

    def settle(self, rollback_id: str, timeout_s: float) -> None:  # noqa: ARG002 - one at a time
        """Wait until the engine has done everything it was ever asked for."""
        try:
            with _translated("settle"):
                self._http.post("/settle", timeout=timeout_s).raise_for_status()
        except httpx.TimeoutException as error:
            raise CommandTimedOutError("settle", timeout_s) from error

    def ping(self) -> str:
        """The engine's version. Raises EngineUnavailableError."""
        return self._info().version

    def disk_free_bytes(self) -> int | None:
        """Free space where the engine keeps its images."""
        return self._info().disk_free_bytes

    def _info(self) -> _Info:
        return _Info.model_validate_json(self._get("/info", _NO_QUERY))

    def _tags(self, repository: str) -> dict[str, _Image]:
        return _TAGS.validate_json(self._get("/registry/tags", {"repository": repository}))

    def _get(self, path: str, query: Mapping[str, str]) -> bytes:
        with _translated(path):
            return self._http.get(path, params=dict(query)).raise_for_status().content


@contextmanager
def _translated(subject: str) -> Iterator[None]:
    """Turn what httpx raises into our errors; running out of time is the caller's to name."""
    try:
        yield
    except httpx.ConnectTimeout as error:
        raise EngineUnavailableError(engine="embedded", why=str(error)) from error
    except httpx.ReadTimeout:
        raise
    except httpx.TransportError as error:
        raise EngineUnavailableError(engine="embedded", why=str(error)) from error
    except httpx.HTTPStatusError as error:
        if error.response.status_code in (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT):
            raise ImageNotFoundError(subject) from error
        raise EngineError(engine="embedded", why=error.response.text[:1024]) from error


def _release(repository: str, tag: str, image: _Image) -> ReleaseImage:
    return ReleaseImage(
        service="",
        repository=repository,
        version=tag,
        digest=image.digest,
        image_id=image.id,
        repo_digests=_digests(image),
        local=True,
        revision=image.labels.get(_REVISION_LABEL, ""),
        size_bytes=image.size_bytes,
        created_at=image.created_at,
    )


def _age(image: ReleaseImage) -> tuple[float, str]:
    return image.created_at.timestamp() if image.created_at else 0.0, image.version


def _digests(image: _Image) -> tuple[ImageDigest, ...]:
    return tuple(reference.partition("@")[2] for reference in image.repo_digests)


def _tag(reference: str) -> str:
    """The tag of `repository:tag`; a colon before the last slash is a registry's port (H8)."""
    return reference.partition("@")[0].rpartition("/")[2].partition(":")[2]
