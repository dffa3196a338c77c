"""The `Containers` port on the demo's embedded engine, which runs services as local processes.

A daemon of its own (JSON over HTTP on loopback): a worker's death is no more to it than to Docker.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from http import HTTPStatus

import httpx

from commands.domain.errors import (
    CommandTimedOutError,
    EngineError,
    EngineUnavailableError,
    ImageNotFoundError,
)
from commands.domain.facts import ImageDigest, ReleaseImage, RunningRelease
from commands.domain.plan import CommandLine
from commands.domain.runbook import Compose
from commands.ports import OneOffOutcome, ProgramOutcome
from workers.adapters.one_off import outcome_of
from workers.adapters.process_answers import (
    CONTAINERS,
    IMAGES,
    REVISION_LABEL,
    TAGS,
    VERSION_LABEL,
    Container,
    Image,
    Info,
    OneOff,
    Outcome,
    age,
    digests,
    release,
    tag,
)
from workers.adapters.surroundings import Surroundings

_ANSWER_S = 10.0
_TAIL_CHARACTERS = 1024


class EmbeddedContainers:
    """One Compose project on the embedded engine at `compose.engine_url`."""

    def __init__(self, compose: Compose, surroundings: Surroundings | None = None) -> None:
        self._compose = compose
        self._surroundings = surroundings or Surroundings({})
        self._http = httpx.Client(base_url=compose.engine_url, timeout=_ANSWER_S, trust_env=False)

    def close(self) -> None:
        """Let the connection go."""
        self._http.close()

    def running(self, compose_service: str) -> RunningRelease | None:
        """What a service's newest container runs; None if there is no container."""
        newest = self._newest(compose_service)
        if newest is None:
            return None
        image = newest.image
        return RunningRelease(
            service=compose_service,
            container_id=newest.id,
            image_id=image.id,
            repo_digests=digests(image),
            reference=newest.reference,
            version=tag(newest.reference) or image.labels.get(VERSION_LABEL, ""),
            revision=image.labels.get(REVISION_LABEL, ""),
            state=newest.state,
            restart_count=newest.restart_count,
            started_at=newest.started_at,
        )

    def local_images(self, repository: str) -> tuple[ReleaseImage, ...]:
        """The tagged images of a repository that are here, newest first."""
        images = IMAGES.validate_json(self._get("/images", {"repository": repository}))
        tagged = [
            release(repository, tag(reference), image)
            for image in images
            for reference in image.repo_tags
        ]
        return tuple(sorted(tagged, key=age, reverse=True))

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
        outcome = Outcome.model_validate_json(answer.content)
        return ProgramOutcome(
            exit_code=outcome.exit_code,
            tail=outcome.output[-_TAIL_CHARACTERS:],
            seconds=time.monotonic() - began,
        )

    def one_off(
        self,
        command: CommandLine,
        timeout_s: float,
        secrets: Mapping[str, str],
        cpus: float | None = None,
    ) -> OneOffOutcome:
        """Run a Compose `run --rm` line: a child of ours in the image's folder, with no limit."""
        del cpus
        home, given = command.directory or self._compose.directory, command.environment
        body = {"argv": command.argv, "cwd": home, "environment": given}
        with _translated(command.argv[0]):
            answer = self._http.post("/one_off", json=body).raise_for_status()
        if "exit_code" in answer.json():
            refused = Outcome.model_validate_json(answer.content)
            return OneOffOutcome(refused.exit_code, "", refused.output[-_TAIL_CHARACTERS:], 0.0)
        program = OneOff.model_validate_json(answer.content)
        line = CommandLine(
            argv=program.argv,
            directory=self._home(program.digest),
            environment=program.environment,
            secrets=command.secrets,
        )
        around = replace(self._surroundings, secrets={**self._surroundings.secrets, **secrets})
        return outcome_of(around.run(line, timeout_s), secrets)

    def ask_image(
        self, repository: str, version: str, argv: tuple[str, ...], timeout_s: float
    ) -> OneOffOutcome:
        """Run a program in the folder of a local image."""
        here = (i for i in self.local_images(repository) if i.version == version)
        image = next(here, None)
        if image is None:
            raise ImageNotFoundError(f"{repository}:{version}")
        line = CommandLine(argv=argv, directory=self._home(image.digest))
        return outcome_of(self._surroundings.run(line, timeout_s), {})

    def variable(self, compose_service: str, name: str) -> str | None:
        """A variable of the service's newest container, running or stopped; None if not set."""
        container = self._newest(compose_service)
        return container.environment.get(name) if container else None

    def address(self, compose_service: str) -> str | None:
        """Processes are on this host."""
        container = self._newest(compose_service)
        return "127.0.0.1" if container and container.state == "running" else None

    def in_container(
        self,
        compose_service: str,
        argv: tuple[str, ...],
        environment: Mapping[str, str],  # noqa: ARG002 - a process has its parent's anyway
    ) -> tuple[str, ...]:
        """A process is in no container: the program is run as it stands."""
        if self.address(compose_service) is None:
            raise EngineError(what=compose_service, why="no container runs")
        return argv

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

    def _newest(self, compose_service: str) -> Container | None:
        query = {"project": self._compose.project, "service": compose_service}
        containers = CONTAINERS.validate_json(self._get("/containers", query))
        return max(containers, key=lambda container: container.created_at, default=None)

    def _home(self, digest: ImageDigest) -> str:
        """The folder with the files of an image; whoever pushes an image with files makes it."""
        return str(self._info().images / digest.removeprefix("sha256:"))

    def _info(self) -> Info:
        return Info.model_validate_json(self._get("/info", {}))

    def _tags(self, repository: str) -> dict[str, Image]:
        return TAGS.validate_json(self._get("/registry/tags", {"repository": repository}))

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
