"""Talks to the embedded engine for the demo itself: deploys, pushes, reads the effects."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from rollbot.demo.images import Image
from rollbot.demo.stock import Effect


class EngineClient:
    """One engine, by its address. Raises httpx.HTTPError when it does not answer."""

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=url, timeout=30, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let the connection go."""
        self._http.close()

    def is_up(self) -> bool:
        """Whether the engine answers."""
        try:
            return self._http.get("/info").is_success
        except httpx.TransportError:
            return False

    def push(self, repository: str, version: str, revision: str, created_at: datetime) -> Image:
        """Build an image and put it into the registry under its version."""
        image = Image(
            repository=repository, version=version, revision=revision, created_at=created_at
        )
        body = {"image": image.model_dump(mode="json"), "tag": version}
        self._post("/registry/push", body)
        return image

    def compose(self, directory: Path, *words: str) -> str:
        """Run `docker-compose WORD...` in a project folder; the output. Raises RuntimeError."""
        argv = ["docker-compose", *words]
        answer = self._post("/run", {"argv": argv, "cwd": str(directory)})
        if answer["exit_code"] != 0:
            raise RuntimeError(f"{' '.join(argv)}: {answer['output']}")
        return str(answer["output"])

    def container(self, service: str) -> dict[str, Any]:
        """The container of a service. Raises LookupError if there is none."""
        answer = self._http.get("/containers", params={"service": service}).raise_for_status()
        for container in answer.json():
            return dict(container)
        raise LookupError(service)

    def effects(self, kinds: Iterable[str] = ()) -> list[Effect]:
        """What the engine did, oldest first; of these kinds only, if any is named."""
        wanted = set(kinds)
        answer = self._http.get("/effects").raise_for_status()
        effects = [Effect.model_validate(item) for item in answer.json()]
        return [effect for effect in effects if not wanted or effect.kind in wanted]

    def _post(self, path: str, body: dict[str, Any]) -> Any:  # noqa: ANN401 - JSON is anything
        return self._http.post(path, json=body).raise_for_status().json()
