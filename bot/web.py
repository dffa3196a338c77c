"""The bot's small ASGI app: is it well, and its figures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route


@dataclass(slots=True)
class Health:
    """What the bot knows of its own connections. None in `store`: not asked yet."""

    store: bool | None = None
    platforms: dict[str, bool] = field(default_factory=dict)

    @property
    def good(self) -> bool:
        """The store answers and every configured chat is connected."""
        return self.store is True and all(self.platforms.values())


def app(health: Health) -> Starlette:
    """`/healthz` (200 or 503, JSON) and `/metrics` (Prometheus text)."""

    async def healthz(request: Request) -> Response:
        del request
        body = {"store": health.store, "platforms": health.platforms}
        return JSONResponse(body, status_code=200 if health.good else 503)

    async def metrics(request: Request) -> Response:
        del request
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return Starlette(routes=[Route("/healthz", healthz), Route("/metrics", metrics)])


class _Server(uvicorn.Server):
    """Leaves signals alone: the process has one master of them, and it is not the web server."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(health: Health, listen: str) -> None:
    """Serve on `host:port` until cancelled; an empty `listen` serves nothing."""
    if not listen:
        return
    host, _, port = listen.rpartition(":")
    config = uvicorn.Config(
        app(health), host=host or "127.0.0.1", port=int(port), log_level="warning", lifespan="off"
    )
    await _Server(config).serve()
