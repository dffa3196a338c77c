"""The bot's small ASGI app: is it well, its figures, and the doors of platforms that call us."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.rounds import Rounds
from commands.domain.people import Language
from commands.locale.page import maintenance_page

BODY_MAX = 2**20
"""Bytes of a request: anybody may send one, and it is read before its signature is known."""
END_WITHIN_S = 3


@dataclass(slots=True)
class Health:
    """What the bot knows of its own connections. None in `store`: not asked yet."""

    store: bool | None = None
    chats: dict[str, Callable[[], bool]] = field(default_factory=dict)
    """Every configured platform, and how to ask whether it is connected now."""
    rounds: Rounds = field(default_factory=Rounds)

    @property
    def platforms(self) -> dict[str, bool]:
        """Which of the configured chats are connected, at this moment."""
        return {name: is_well() for name, is_well in self.chats.items()}

    @property
    def good(self) -> bool:
        """The store answers, every configured chat is connected, no task fails again and again."""
        return self.store is True and all(self.platforms.values()) and not self.rounds.failing


def app(health: Health, doors: Iterable[Route] = ()) -> Starlette:
    """`/healthz` (200 or 503, JSON), `/metrics` (Prometheus text) and the platforms' own routes."""

    async def healthz(request: Request) -> Response:
        del request
        body = {
            "store": health.store,
            "platforms": health.platforms,
            "failing": health.rounds.failing,
        }
        return JSONResponse(body, status_code=200 if health.good else 503)

    async def metrics(request: Request) -> Response:
        del request
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    routes = [Route("/healthz", healthz), Route("/metrics", metrics), *doors]
    return Starlette(routes=routes, middleware=[Middleware(_Limited)])


def maintenance(language: Language) -> Route:
    """`/maintenance`: the page that a proxy shows with a status of its own (Traefik fetches it)."""
    page = maintenance_page(language)

    async def shown(request: Request) -> Response:
        del request
        return HTMLResponse(page)

    return Route("/maintenance", shown)


class _Limited:
    """Answers 413 to a body that is larger than anything a platform sends."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        read = 0

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > BODY_MAX:
                raise HTTPException(413)
            return message

        await self._app(scope, counted, send)


class _Server(uvicorn.Server):
    """Leaves signals alone: the process has one master of them, and it is not the web server."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(health: Health, listen: str, doors: Iterable[Route] = ()) -> None:
    """Serve on `host:port` until cancelled; an empty `listen` serves nothing.

    What is being answered when it is cancelled is answered, within 3 s.
    """
    if not listen:
        return
    host, _, port = listen.rpartition(":")
    config = uvicorn.Config(
        app(health, doors),
        host=host or "127.0.0.1",
        port=int(port),
        log_level="warning",
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=END_WITHIN_S,
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve())
    try:
        await asyncio.shield(serving)
    finally:
        server.should_exit = True
        await asyncio.wait({serving})
