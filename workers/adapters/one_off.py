"""Programs that live in a container for one command: by Compose, or in an image by itself.

Killing the client of `docker compose run` does not end its container (measured, Docker 20.10), so
one that takes too long is ended by its labels.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote, urlsplit

from docker.types import LogConfig

from commands.domain.errors import (
    CommandFailedError,
    CommandTimedOutError,
    DiskFullError,
    EngineUnavailableError,
    ImageNotFoundError,
)
from commands.domain.plan import CommandLine
from commands.ports import OneOffOutcome
from workers.adapters import children
from workers.adapters.engine import NO_SPACE, Engine
from workers.adapters.limiting import limited
from workers.adapters.rows import without_rows
from workers.adapters.settling import ONE_OFF_LABEL, PROJECT_LABEL
from workers.adapters.surroundings import Surroundings

QUESTION_LABEL = "rollbot.question"
"""On containers that read an image; the value is the Compose project on whose behalf."""

MOST_SAID = {"max-size": "16m", "max-file": "1"}
"""An image that prints without end fills neither the host's disk nor our memory."""

FORGOTTEN_AFTER_S = 900
_CANNOT_START = 127
_LOOK_EVERY_S = 0.02
_LABEL_OPTIONS = ("--label", "-l")


@dataclass(frozen=True, slots=True)
class OneOffs:
    """One-off programs of one Compose project on one engine."""

    engine: Engine
    project: str
    surroundings: Surroundings

    def run(
        self,
        command: CommandLine,
        timeout_s: float,
        directory: str,
        secrets: Mapping[str, str],
        cpus: float | None = None,
    ) -> OneOffOutcome:
        """Run a Compose `run --rm` line; its container carries the labels that the line gives it.

        `cpus`: so much CPU and no more. Raises CommandTimedOutError when it was ended,
        DiskFullError, EngineUnavailableError.
        """
        around = replace(
            self.surroundings,
            secrets={**self.surroundings.secrets, **secrets},
            # Before the tail is cut, and for the one that took too long, too.
            redact=lambda said: self.surroundings.redact(without_rows(without(secrets, said))),
        )
        engine, labels = {"DOCKER_HOST": self.engine.url}, labels_in(command.argv)
        try:
            with limited(self.engine, self._labelled(labels), cpus if labels else None):
                done = around.run(command, timeout_s, directory=directory, also=engine)
        except CommandTimedOutError:
            self._end(labels)
            raise
        if done.exit_code != 0:
            if NO_SPACE in done.tail:
                raise DiskFullError(what=command.argv[0], why=done.tail)
            self.engine.version()
        return outcome_of(done, secrets)

    def ask(self, reference: str, argv: Sequence[str], timeout_s: float) -> OneOffOutcome:
        """Run a program in a local image: no network, nothing mounted, removed afterwards."""
        began = time.monotonic()
        with self._question(reference, argv) as container:
            code = self._awaited(container, argv[0], timeout_s)
            output = self._said(container, stderr=False)
            errors = self._said(container, stdout=False)
        tail = self.surroundings.redact(f"{errors}\n{output}".strip())
        return OneOffOutcome(
            exit_code=code,
            output=output,
            tail=tail[-children.TAIL_CHARACTERS :],
            seconds=time.monotonic() - began,
        )

    def drop_forgotten(self) -> None:
        """Remove what questions of processes that died left here; running ones of others stay."""
        label = {"label": f"{QUESTION_LABEL}={self.project}"}
        for container in self._listed(label):
            if time.time() - container["Created"] > FORGOTTEN_AFTER_S:
                self._remove(container["Id"])

    @contextmanager
    def _question(self, reference: str, argv: Sequence[str]) -> Iterator[str]:
        with self.engine.calling(reference):
            api = self.engine.api
            made = api.create_container(
                image=reference,
                entrypoint=[argv[0]],
                command=list(argv[1:]),
                labels={QUESTION_LABEL: self.project},
                host_config=api.create_host_config(
                    network_mode="none",
                    # Whatever the engine's default is: these are read by the engine itself.
                    log_config=LogConfig(type=LogConfig.types.JSON, config=MOST_SAID),
                ),
            )
        try:
            try:
                with self.engine.calling(reference):
                    api.start(made["Id"])
            except EngineUnavailableError:
                raise
            except ImageNotFoundError as error:
                # The image is here; it is the program that is not.
                raise CommandFailedError(argv[0], _CANNOT_START, str(error)) from error
            yield made["Id"]
        finally:
            self._remove(made["Id"])

    def _awaited(self, container: str, program: str, timeout_s: float) -> int:
        deadline = time.monotonic() + timeout_s
        # Asked again and again: the SDK's `wait` cannot tell its own time limit from silence.
        while True:
            with self.engine.calling(container):
                state = self.engine.api.inspect_container(container)["State"]
            if state["Status"] in ("exited", "dead"):
                return int(state["ExitCode"])
            if time.monotonic() > deadline:
                raise CommandTimedOutError(program, timeout_s)
            time.sleep(_LOOK_EVERY_S)

    def _said(self, container: str, *, stdout: bool = True, stderr: bool = True) -> str:
        with self.engine.calling(container):
            said: bytes = self.engine.api.logs(container, stdout=stdout, stderr=stderr)
        return said[: children.STDOUT_LIMIT_BYTES].decode(errors="replace")

    def _end(self, labels: tuple[str, ...]) -> None:
        """End the one-off containers with these labels; without any nothing can be told apart."""
        if not labels:
            return
        for container in self._listed(self._labelled(labels)):
            self._remove(container["Id"])

    def _labelled(self, labels: tuple[str, ...]) -> dict[str, object]:
        """What finds this project's one-off containers with these labels."""
        ours = (f"{PROJECT_LABEL}={self.project}", f"{ONE_OFF_LABEL}=True")
        return {"label": [*ours, *labels]}

    def _listed(self, filters: Mapping[str, object]) -> list[Mapping[str, Any]]:
        with self.engine.calling(self.project):
            found: list[Mapping[str, Any]] = self.engine.api.containers(all=True, filters=filters)
        return found

    def _remove(self, container: str) -> None:
        try:
            with self.engine.calling(container):
                self.engine.api.remove_container(container, v=True, force=True)
        except ImageNotFoundError:
            return


def labels_in(argv: Sequence[str]) -> tuple[str, ...]:
    """The labels that a command line gives its container."""
    words = itertools.pairwise(argv)
    return tuple(value for option, value in words if option in _LABEL_OPTIONS)


def outcome_of(done: children.Completed, secrets: Mapping[str, str]) -> OneOffOutcome:
    """What a program printed, without the secrets that it was given."""
    return OneOffOutcome(
        exit_code=done.exit_code,
        output=without(secrets, done.stdout.decode(errors="replace")),
        tail=without(secrets, done.tail),
        seconds=done.seconds,
    )


def without(secrets: Mapping[str, str], said: str) -> str:
    """The text with `<NAME>` where a secret stood; of an address its password by itself, too."""
    for name, value in secrets.items():
        for secret in (value, *_passwords(value)):
            said = said.replace(secret, f"<{name}>") if secret else said
    return said


def _passwords(value: str) -> tuple[str, ...]:
    try:
        password = urlsplit(value).password or ""
    except ValueError:
        return ()
    return password, unquote(password)
