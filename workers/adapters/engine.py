"""The Docker engine by its SDK: one client, explicit time limits, errors of our own."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

import docker
from docker.errors import APIError, DockerException, NotFound

from commands.domain.errors import (
    CommandTimedOutError,
    DiskFullError,
    EngineError,
    EngineUnavailableError,
    ImageNotFoundError,
    RegistryUnavailableError,
)

DEFAULT_URL = "unix:///var/run/docker.sock"
NO_SPACE = "no space left on device"
# People are told within five seconds that the engine is away; some answers rightly take longer.
PING_S = 4
_ANSWER_S = 10
# While a layer is fetched or unpacked the engine reports several times a second.
_SILENCE_S = 120.0
_WHY_CHARACTERS = 300


class Engine:
    """One connection to one engine, made when it is first wanted and kept.

    Make it in the process that uses it: a connection does not survive a fork. `docker_config` is
    the folder of `config.json`, where the registries' credentials are.
    """

    def __init__(self, url: str = "", docker_config: str = "", ping_s: int = PING_S) -> None:
        self.url = url or DEFAULT_URL
        self._docker_config = docker_config
        self._ping_s = ping_s
        self._making = Lock()
        self._client: Any = None

    @property
    def api(self) -> Any:  # noqa: ANN401 - the stubs of docker's low-level client are all Any
        """The SDK's low-level client. Raises EngineUnavailableError."""
        # A survey asks from several threads at once, the first time too.
        with self._making:
            if self._client is None:
                self._client = self._connected()
            return self._client

    def _connected(self) -> Any:  # noqa: ANN401 - see `api`
        with self.calling("connect"):
            client = docker.APIClient(base_url=self.url, version="auto", timeout=self._ping_s)
            client.timeout = _ANSWER_S
            # The worker's own proxy settings are not for the engine's socket.
            client.trust_env = False
            config = Path(self._docker_config) / "config.json"
            if self._docker_config and config.exists():
                client.reload_config(str(config))
            return client

    def version(self) -> str:
        """The engine's version, asked anew. Raises EngineUnavailableError within `ping_s`."""
        with self.calling("version"):
            answer = self.api.get(f"{self.api.base_url}/version", timeout=self._ping_s)
            if not answer.ok:
                raise EngineUnavailableError(engine=self.url, why=_short(answer.text))
            return str(answer.json()["Version"])

    def introduce(self) -> None:
        """Agree on the API's version anew, then let the connection go.

        For a process that is about to fork: its children need not ask again, and share no socket.
        Raises EngineUnavailableError.
        """
        self.close()
        self.api.close()

    def close(self) -> None:
        """Let the connection go; the next call makes a new one."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    @contextmanager
    def calling(self, subject: str) -> Iterator[None]:
        """Turn what the SDK raises into our errors. `subject` is what was asked about.

        Whatever is not there (404) is an ImageNotFoundError: only images are asked for by a name
        that people gave; containers are asked for by the id that the engine has just told.
        """
        try:
            yield
        except NotFound as error:
            raise ImageNotFoundError(subject) from error
        except APIError as error:
            raise failure(subject, str(error.explanation or error)) from error
        # requests' errors are OSErrors; DockerException is the version that cannot be asked for.
        except (OSError, DockerException) as error:
            raise EngineUnavailableError(engine=self.url, why=_short(str(error))) from error

    @contextmanager
    def asking_a_registry(self, reference: str) -> Iterator[None]:
        """Like `calling`, for calls that the engine hands on to a registry.

        What the registry refuses, the engine reports as an error of its own; while the registry
        says nothing, neither does the engine, although it answers other questions.
        """
        with self.calling(reference):
            try:
                yield
            except NotFound:
                raise
            except APIError as error:
                raise registry_failure(reference, str(error.explanation or error)) from error
            except OSError as error:
                self.version()
                raise RegistryUnavailableError(image=reference, why=_short(str(error))) from error

    def pull(self, repository: str, digest: str, credentials: bytes | None, limit_s: float) -> None:
        """Fetch `repository@digest`; what is here is not fetched again.

        Not the SDK's `pull`, which waits for ever (docker 7.2 sets no time limit on it). Raises
        CommandTimedOutError, ImageNotFoundError, DiskFullError, RegistryUnavailableError.
        """
        reference = f"{repository}@{digest}"
        deadline = time.monotonic() + limit_s
        with self.asking_a_registry(reference):
            answer = self.api.post(
                f"{self.api.base_url}/v{self.api.api_version}/images/create",
                params={"fromImage": repository, "tag": digest},
                headers={"X-Registry-Auth": credentials} if credentials else {},
                stream=True,
                timeout=min(limit_s, _SILENCE_S),
            )
            with answer:
                if not answer.ok:
                    raise registry_failure(reference, _message(answer.content))
                for line in answer.iter_lines():
                    if time.monotonic() > deadline:
                        raise CommandTimedOutError(f"docker pull {reference}", limit_s)
                    _refuse_failure(reference, json.loads(line))


def failure(subject: str, why: str) -> EngineError:
    """The error for what the engine said about `subject`."""
    if NO_SPACE in why:
        return DiskFullError(what=subject, why=_short(why))
    return EngineError(what=subject, why=_short(why))


def registry_failure(reference: str, why: str) -> EngineError:
    """The error for what the engine said about a registry; it has only words for it."""
    if NO_SPACE in why:
        return DiskFullError(what=reference, why=_short(why))
    if "manifest unknown" in why or "not found" in why:
        return ImageNotFoundError(reference)
    return RegistryUnavailableError(image=reference, why=_short(why))


def _refuse_failure(reference: str, progress: Mapping[str, Any]) -> None:
    if "error" in progress:
        raise registry_failure(reference, str(progress["error"]))


def _message(body: bytes) -> str:
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return body.decode(errors="replace")


def _short(why: str) -> str:
    return why[:_WHY_CHARACTERS]
