"""Connections to Redis with bounded patience, and its errors as ours."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import redis
import redis.asyncio
from redis.backoff import NoBackoff
from redis.retry import Retry

from commands.domain.errors import StoreError, StoreFullError, StoreUnavailableError

T = TypeVar("T")

CONNECT_TIMEOUT_S = 1.0
SOCKET_TIMEOUT_S = 2.0

RETRY_FOR_S = 0.9
"""For how long new attempts may begin. The last one may take a socket timeout more, so a command
that finds Redis away is told so within three seconds."""

_PAUSE_S = 0.05

_AWAY = (
    redis.ConnectionError,
    redis.TimeoutError,
    # Answers of a server that is there, but not for us yet or any more.
    redis.exceptions.BusyLoadingError,
    redis.exceptions.ReadOnlyError,
    redis.exceptions.TryAgainError,
)


def connect(url: str) -> redis.Redis:
    """A client for threads and forked processes; bytes in, bytes out (RQ wants it so)."""
    return redis.Redis.from_url(
        url,
        protocol=2,
        socket_connect_timeout=CONNECT_TIMEOUT_S,
        socket_timeout=SOCKET_TIMEOUT_S,
        # Two journeys less for each new connection, which a job process has to wait for.
        driver_info=None,
        # Patience is ours (`patiently`); two kinds of it would add up.
        retry=Retry(NoBackoff(), 0),
    )


def connect_async(url: str, max_connections: int = 32) -> redis.asyncio.Redis:
    """A client for one event loop. More callers than connections wait; none is refused."""
    pool = redis.asyncio.BlockingConnectionPool.from_url(
        url,
        protocol=2,
        max_connections=max_connections,
        timeout=SOCKET_TIMEOUT_S,
        socket_connect_timeout=CONNECT_TIMEOUT_S,
        socket_timeout=SOCKET_TIMEOUT_S,
        retry=redis.asyncio.retry.Retry(NoBackoff(), 0),
    )
    return redis.asyncio.Redis.from_pool(pool)


@contextmanager
def store_errors() -> Iterator[None]:
    """Translate what redis-py raises; our own errors pass."""
    try:
        yield
    except redis.exceptions.OutOfMemoryError as error:
        raise StoreFullError(why=str(error)) from error
    except _AWAY as error:
        raise StoreUnavailableError(why=str(error) or type(error).__name__) from error
    except redis.RedisError as error:
        if str(error).startswith(("MISCONF", "BUSY", "LOADING", "NOREPLICAS", "UNBLOCKED")):
            raise StoreUnavailableError(why=str(error)) from error
        raise StoreError(why=str(error)) from error


def patiently(call: Callable[[], T], retry_for_s: float = RETRY_FOR_S) -> T:
    """`call()`, begun anew while Redis is away, for `retry_for_s`. `call` must bear repetition.

    Raises `StoreUnavailableError` at last, `StoreFullError` and `StoreError` at once.
    """
    until = time.monotonic() + retry_for_s
    pause_s = _PAUSE_S
    while True:
        try:
            with store_errors():
                return call()
        except StoreUnavailableError:
            if time.monotonic() + pause_s >= until:
                raise
        time.sleep(pause_s)
        pause_s = min(pause_s * 2, 1.0)


async def patiently_async(call: Callable[[], Awaitable[T]], retry_for_s: float = RETRY_FOR_S) -> T:
    """`patiently` for the event loop."""
    until = time.monotonic() + retry_for_s
    pause_s = _PAUSE_S
    while True:
        try:
            with store_errors():
                answer = await call()
        except StoreUnavailableError:
            if time.monotonic() + pause_s >= until:
                raise
        else:
            _go_no_further_if_cancelled()
            return answer
        await asyncio.sleep(pause_s)
        pause_s = min(pause_s * 2, 1.0)


def _go_no_further_if_cancelled() -> None:
    """Raise the cancellation that redis-py lost.

    It sends under `asyncio.wait_for`, which before Python 3.12 drops a cancellation that arrives
    just as its work is done (python/cpython#86296): a bot that is told to end would live on.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
