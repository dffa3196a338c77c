"""The stand-in on a thread of its own: it goes on answering while a test blocks its own loop."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from tests.servers.slack import ALL_SCOPES, Slack
from tests.servers.slack_socket import Socket


class _Elsewhere:
    """Passes everything on; what is awaited runs on the other thread's loop."""

    def __init__(self, target: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._target, self._loop = target, loop

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._target, name)
        if isinstance(found, Socket):
            return _Elsewhere(found, self._loop)
        if not inspect.iscoroutinefunction(found):
            return found

        async def there(*args: Any, **named: Any) -> Any:
            future = asyncio.run_coroutine_threadsafe(found(*args, **named), self._loop)
            return await asyncio.wrap_future(future)

        return there


@contextmanager
def slack_in_thread(scopes: frozenset[str] = ALL_SCOPES) -> Iterator[Slack]:
    """A running workspace that looks like `Slack` from here."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="slack", daemon=True)
    thread.start()

    def run(coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(timeout=60)

    running = Slack.running(scopes)
    slack = run(running.__aenter__())
    try:
        yield cast(Slack, _Elsewhere(slack, loop))
    finally:
        run(running.__aexit__(None, None, None))
        loop.call_soon_threadsafe(loop.stop)
        thread.join(timeout=60)
        loop.close()
