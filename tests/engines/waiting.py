"""Waiting for the outside world without a fixed sleep."""

import time
from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")


def eventually(
    question: Callable[[], _T],
    *,
    within_s: float = 60,
    every_s: float = 0.02,
    what: str | Callable[[], str] = "",
) -> _T:
    """Ask until the answer is truthy, and return it; raises AssertionError after `within_s`.

    `what` says what was waited for; a callable is asked only when it did not come.
    """
    deadline = time.monotonic() + within_s
    while True:
        answer = question()
        if answer:
            return answer
        if time.monotonic() > deadline:
            awaited = what() if callable(what) else what or question
            raise AssertionError(f"not within {within_s} s: {awaited}, last: {answer!r}")
        time.sleep(every_s)


def throughout(
    holds: Callable[[], object],
    *,
    until: float,
    every_s: float = 0.2,
    what: str | Callable[[], str] = "",
) -> int:
    """Ask all the time up to `until` (`time.monotonic()`), and say how often.

    Raises AssertionError the moment that it does not hold.
    """
    looks = 0
    while time.monotonic() < until:
        if not holds():
            awaited = what() if callable(what) else what or holds
            raise AssertionError(f"no longer so, {until - time.monotonic():.1f} s early: {awaited}")
        looks += 1
        time.sleep(every_s)
    return looks
