"""The CPU that a one-off container may take: by the engine's API, as no `compose run` has a word.

The way is the same for both Compose generations. There is a moment before the limit holds; an
engine that cannot limit (no such control group) is logged, and the program runs as it is.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import structlog

from commands.domain.errors import EngineError
from workers.adapters.engine import Engine

log = structlog.get_logger()

PERIOD_US = 100_000
SHARES = 256
"""Where others want the CPU too, a quarter of a service's own share (1,024 by default)."""

_LOOK_EVERY_S = 0.05
_OVER = ("exited", "dead", "removing")


@contextmanager
def limited(engine: Engine, filters: Mapping[str, object], cpus: float | None) -> Iterator[None]:
    """Limit the container that comes to be with these labels during the block; None: no limit."""
    if cpus is None:
        yield
        return
    over = threading.Event()
    watch = threading.Thread(target=_watch, args=(engine, filters, cpus, over), daemon=True)
    watch.start()
    try:
        yield
    finally:
        over.set()
        watch.join()


def _watch(
    engine: Engine, filters: Mapping[str, object], cpus: float, over: threading.Event
) -> None:
    while not over.wait(_LOOK_EVERY_S):
        try:
            with engine.calling("limit"):
                found: list[Mapping[str, Any]] = engine.api.containers(all=True, filters=filters)
                ours = [one["Id"] for one in found if one["State"] not in _OVER]
                for container in ours:
                    _limit(engine.api, container, cpus)
        except EngineError as error:
            log.warning("cpu_not_limited", why=str(error))
            return
        if ours:
            return


def _limit(api: Any, container: str, cpus: float) -> None:  # noqa: ANN401 -- as `Engine.api`
    has = api.inspect_container(container)["HostConfig"]
    share = min(has["CpuShares"] or SHARES, SHARES)
    if has["NanoCpus"]:
        # The project's own limit, which the engine would not exchange for a quota.
        api.update_container(container, cpu_shares=share)
        return
    quota = int(cpus * PERIOD_US)
    api.update_container(container, cpu_shares=share, cpu_period=PERIOD_US, cpu_quota=quota)
