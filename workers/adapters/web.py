"""HTTP questions to the services that are rolled back."""

from __future__ import annotations

import time

import httpx

from commands.domain.errors import EngineError
from commands.ports import WebAnswer

BODY_LIMIT_BYTES = 64 * 1024


class HttpWeb:
    """`Web` by httpx. A new connection for every question.

    A kept connection would lead to the container that is being replaced, and a proxy of the
    worker's own environment has no business between the worker and the services beside it.
    """

    def __init__(self) -> None:
        self._client = httpx.Client(
            follow_redirects=False,
            trust_env=False,
            limits=httpx.Limits(max_keepalive_connections=0),
            # Identity: the limit of a packed body would not be a limit of what it unpacks to.
            headers={
                "User-Agent": "rollbot",
                "Connection": "close",
                "Accept-Encoding": "identity",
            },
        )

    def get(self, url: str, timeout_s: float) -> WebAnswer:
        """One GET without redirects; the body is cut at 64 KiB.

        Raises EngineError when nothing answered well-formed HTTP within `timeout_s` in all.
        """
        began = time.monotonic()
        try:
            with self._client.stream("GET", url, timeout=timeout_s) as answer:
                body = self._body(answer, began + timeout_s)
                headers = {name.lower(): value for name, value in answer.headers.items()}
                return WebAnswer(answer.status_code, body, time.monotonic() - began, headers)
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            why = str(error) or type(error).__name__
            raise EngineError(url=_without_password(url), why=why) from error

    def close(self) -> None:
        """Let the connections go."""
        self._client.close()

    @staticmethod
    def _body(answer: httpx.Response, deadline: float) -> bytes:
        body = bytearray()
        for chunk in answer.iter_raw():
            body += chunk
            if len(body) >= BODY_LIMIT_BYTES:
                break
            # The client's own limit is for each read: a body that drips would go on for ever.
            if time.monotonic() > deadline:
                raise httpx.ReadTimeout("the answer did not end in time")
        return bytes(body[:BODY_LIMIT_BYTES])


def _without_password(url: str) -> str:
    before, at, after = url.rpartition("@")
    return f"{before.partition('://')[0]}://{after}" if at else url
