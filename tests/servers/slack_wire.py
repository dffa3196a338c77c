"""The HTTP face of the stand-in: tokens, scopes, arguments, limits, faults."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass

from aiohttp import web

from tests.servers.slack_faults import Fault, Faults, Rates
from tests.servers.slack_methods import METHODS, Method, Methods
from tests.servers.slack_socket import Socket
from tests.servers.slack_world import Json, Message, RefusalError, World

BOT_TOKEN = "xoxb-1-stand-in"
APP_TOKEN = "xapp-1-stand-in"
RESPONSE_URL_USES = 5
_JSON_ARGUMENTS = ("blocks", "view", "metadata")


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the Web API, as it came in."""

    method: str
    arguments: Json
    at: float
    """Monotonic seconds."""
    answer: str
    """`ok`, an error name, or the fault it met."""


class Wire:
    """Serves `/api/<method>`, `/link` and the response URLs."""

    def __init__(self, world: World, socket: Socket, scopes: frozenset[str]) -> None:
        self.world, self.socket, self.scopes = world, socket, scopes
        self.faults, self.rates = Faults(), Rates()
        self.calls: list[Call] = []
        self.origin = ""
        self.is_down = False
        self._methods = Methods(world, self.faults)
        self._response_urls: dict[str, tuple[str, str, int]] = {}

    def application(self) -> web.Application:
        app = web.Application(client_max_size=4 * 2**20)
        app.router.add_route("*", "/api/{method}", self._api)
        app.router.add_get("/link", self._link)
        app.router.add_post("/response/{serial}", self._response)
        return app

    def new_response_url(self, channel: str, user: str) -> str:
        serial = str(self.world.serial())
        self._response_urls[serial] = (channel, user, 0)
        return f"{self.origin}/response/{serial}"

    async def _link(self, request: web.Request) -> web.StreamResponse:
        fault = self.faults.take("link")
        if self.is_down or fault is Fault.RESET:
            return self._broken(request)
        if fault is Fault.SERVER_ERROR:
            self.socket.void(request)
            return web.Response(status=500)
        return await self.socket.serve(request)

    async def _api(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["method"]
        arguments = await _arguments(request)
        fault = self.faults.take(name)
        if self.is_down or fault is Fault.RESET:
            self._record(name, arguments, "reset")
            return self._broken(request)
        if fault is Fault.RATE_LIMITED:
            return self._slow_down(name, arguments, self.faults.retry_after_s)
        if fault is Fault.SERVER_ERROR:
            self._record(name, arguments, "500")
            return web.Response(status=500, text="<html>Server Error</html>")
        wait_s = self.rates.wait_s(name, str(arguments.get("channel")))
        if wait_s:
            return self._slow_down(name, arguments, wait_s)
        answer = self._answer(name, request.headers.get("Authorization", ""), arguments)
        self._record(name, arguments, "ok" if answer["ok"] else answer["error"])
        if fault is Fault.REPLY_LOST:
            return self._broken(request)
        scopes = ",".join(sorted(self.scopes))
        return web.json_response(answer, headers={"X-OAuth-Scopes": scopes})

    def _answer(self, name: str, authorization: str, arguments: Json) -> Json:
        try:
            if name == "apps.connections.open":
                self._check_token(name, authorization, "xapp-")
                link = self.origin.replace("http", "ws", 1)
                return {"ok": True, "url": f"{link}/link?ticket={self.socket.new_ticket()}"}
            method = self._method(name)
            self._check_token(name, authorization, method.token)
            self._check_call(name, method, arguments)
            return {"ok": True, **method.call(self._methods, arguments)}
        except RefusalError as refusal:
            return {"ok": False, "error": refusal.error, **refusal.extra}

    def _method(self, name: str) -> Method:
        if name not in METHODS:
            self.world.violation(f"unknown method {name}")
            raise RefusalError("unknown_method")
        return METHODS[name]

    def _check_token(self, name: str, authorization: str, prefix: str) -> None:
        token = authorization.removeprefix("Bearer ")
        if token in (BOT_TOKEN, APP_TOKEN) and token.startswith(prefix):
            return
        self.world.violation(f"{name} called with the wrong token")
        if not token:
            raise RefusalError("not_authed")
        known = token in (BOT_TOKEN, APP_TOKEN)
        raise RefusalError("not_allowed_token_type" if known else "invalid_auth")

    def _check_call(self, name: str, method: Method, arguments: Json) -> None:
        given = {key for key, value in arguments.items() if value is not None}
        if missing := method.required - given:
            self.world.violation(f"{name} without {', '.join(sorted(missing))}")
            raise RefusalError("invalid_arguments")
        if stray := given - method.required - method.optional:
            self.world.violation(f"{name} does not take {', '.join(sorted(stray))}")
        scope = self._scope(method, arguments)
        if scope and scope not in self.scopes:
            self.world.violation(f"{name} needs the scope {scope}")
            raise RefusalError(
                "missing_scope", needed=scope, provided=",".join(sorted(self.scopes))
            )

    def _scope(self, method: Method, arguments: Json) -> str:
        if method.scope != "channels:history":
            return method.scope
        channel = self.world.channels.get(str(arguments["channel"]))
        if channel is not None and channel.id.startswith("D"):
            return "im:history"
        return "groups:history" if channel is not None and channel.is_private else method.scope

    def _slow_down(self, name: str, arguments: Json, wait_s: int) -> web.Response:
        self._record(name, arguments, "ratelimited")
        return web.json_response(
            {"ok": False, "error": "ratelimited"},
            status=429,
            headers={"Retry-After": str(wait_s)},
        )

    async def _response(self, request: web.Request) -> web.StreamResponse:
        """A post to a response URL: ephemeral unless it says `in_channel`; 5 uses in 30 min."""
        serial = request.match_info["serial"]
        channel, user, uses = self._response_urls.get(serial, ("", "", RESPONSE_URL_USES))
        if self.is_down:
            return self._broken(request)
        if uses >= RESPONSE_URL_USES:
            self.world.violation("response_url used more often than Slack allows")
            return web.Response(status=404, text="used_url")
        self._response_urls[serial] = (channel, user, uses + 1)
        said = await request.json()
        in_channel = said.get("response_type") == "in_channel"
        message = Message(channel, self.world.new_ts(), said["text"], said.get("blocks") or [])
        message.to = None if in_channel else user
        (self.world.messages if in_channel else self.world.ephemerals).append(message)
        self.world.touch()
        return web.Response(text="ok")

    def _record(self, name: str, arguments: Json, answer: str) -> None:
        self.calls.append(Call(name, arguments, time.monotonic(), answer))
        self.world.touch()

    def _broken(self, request: web.Request) -> web.Response:
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=500)


async def _arguments(request: web.Request) -> Json:
    """Arguments of a call, whichever of the three ways they came by."""
    if request.content_type == "application/json":
        sent: Json = await request.json()
        return sent
    form: Json = {**request.query, **(await request.post())}
    for name in _JSON_ARGUMENTS:
        if isinstance(form.get(name), str):
            form[name] = json.loads(form[name])
    return form
