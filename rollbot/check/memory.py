"""A memory that lasts: Redis, its durability, keys, the journal itself, and who works on it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import wraps
from typing import TypeAlias

from commands.domain.errors import SettingsError
from commands.domain.events import ReleaseSeen
from commands.planner.pins import compose_name
from commands.store.durability import Durability, durability
from commands.store.opening import Store
from rollbot.check.finding import Check, Finding, Ground, Level, green, red, yellow

Remembering: TypeAlias = Callable[[Ground, Store], Iterator[Finding]]

STALE = timedelta(seconds=60)
STATE_NEEDS_BYTES = 100 * 1024 * 1024
FULL_ENOUGH = 0.8


def journal_key(ground: Ground) -> Iterator[Finding]:
    """The environment's own key is set, long enough, and nobody else's."""
    try:
        key = ground.settings.journal_key(ground.environment)
    except SettingsError as error:
        yield Finding(Level.RED, error.text)
        return
    others = [
        name
        for name in ground.runbook.environments
        if name != ground.environment and _same_key(ground, name, key)
    ]
    if others:
        yield yellow("ready.key_shared", environment=ground.environment, others=tuple(others))
    yield green("ready.key_set", environment=ground.environment)


def remembering(check: Remembering) -> Check:
    """A check that asks the environment's memory; without a journal key there is none to ask."""

    @wraps(check)
    def made(ground: Ground) -> Iterator[Finding]:
        with ground.memory() as store:
            if store is not None:
                yield from check(ground, store)

    return made


@remembering
def redis_keeps_what_it_is_told(_: Ground, store: Store) -> Iterator[Finding]:
    """Append-only file on, nothing evicted, memory left."""
    found = durability(store.client)
    yield green("ready.redis_answers", version=found.version)
    yield from _persistence(found)
    if found.eviction not in (None, "noeviction"):
        yield red("ready.redis_evicts", policy=found.eviction)
    if found.max_memory_bytes and found.used_memory_bytes:
        share = found.used_memory_bytes / found.max_memory_bytes
        if share > FULL_ENOUGH:
            yield yellow("ready.redis_nearly_full", percent=round(share * 100))


@remembering
def journal_can_be_read(ground: Ground, store: Store) -> Iterator[Finding]:
    """Every entry of the environment's journal is ours and whole."""
    state = store.book.environment()
    yield green("ready.journal_whole", environment=ground.environment, n=state.position)


@remembering
def ledger_is_seeded(ground: Ground, store: Store) -> Iterator[Finding]:
    """On a first start, what engine and registry hold is noted as seen, not proven."""
    book = store.book
    if not book.environment().ledger:
        seen = tuple(_releases(ground))
        book.note(lambda state: () if state.ledger else seen)
        yield green("ready.ledger_seeded", n=len(seen))
    lines = book.environment().ledger_lines()
    for service in ground.services:
        if not any(line.proven and line.service == service for line in lines):
            yield yellow("ready.nothing_proven", service=service)


def state_directory(ground: Ground) -> Iterator[Finding]:
    """The folder of mirror and lease can be written and has room."""
    path = ground.settings.state_dir
    there = next(p for p in (path, *path.absolute().parents) if p.exists())
    if not os.access(there, os.W_OK | os.X_OK):
        yield red("ready.state_dir_read_only", path=str(path))
        return
    free = shutil.disk_usage(there).free
    if free < STATE_NEEDS_BYTES:
        yield red("ready.state_dir_full", path=str(path), free_mib=free // 2**20)
    else:
        yield green("ready.state_dir_writable", path=str(path))


@remembering
def worker_lives(ground: Ground, store: Store) -> Iterator[Finding]:
    """A worker of this environment beats its heart."""
    found = store.workers(ground.now)
    if not found:
        yield red("ready.no_worker", environment=ground.environment)
    for worker in found:
        yield green("ready.worker_lives", host=worker.hostname, state=worker.state)


@remembering
def observer_lives(ground: Ground, store: Store) -> Iterator[Finding]:
    """The observer's record is fresh."""
    observed = store.records.get(ground.now)
    if observed is None or observed.age > STALE:
        yield yellow("ready.no_observer", environment=ground.environment)
    else:
        yield green("ready.observer_lives", seconds=round(observed.age.total_seconds()))


def _persistence(found: Durability) -> Iterator[Finding]:
    match found.append_only, found.fsync:
        case False, _:
            yield red("ready.redis_forgets")
        case None, _:
            yield yellow("ready.redis_hides")
        case True, "always":
            yield green("ready.redis_lasts")
        case True, fsync:
            yield yellow("ready.redis_fsync", fsync=fsync)


def _same_key(ground: Ground, environment: str, key: bytes) -> bool:
    try:
        return ground.settings.journal_key(environment) == key
    except SettingsError:
        return False


def _releases(ground: Ground) -> Iterator[ReleaseSeen]:
    containers = ground.ports.containers
    for name in ground.services:
        service = ground.runbook.services[name]
        for image in containers.local_images(service.image):
            yield _seen(name, image.version, image.digest, running=False)
        for tag in containers.registry_tags(service.image):
            if digest := containers.registry_digest(service.image, tag):
                yield _seen(name, tag, digest, running=False)
        if running := containers.running(compose_name(name, service)):
            yield _seen(name, running.version, running.digest, running=True)


def _seen(service: str, version: str, digest: str, *, running: bool) -> ReleaseSeen:
    return ReleaseSeen(service=service, version=version, digest=digest, running=running)


CHECKS: tuple[Check, ...] = (
    journal_key,
    redis_keeps_what_it_is_told,
    journal_can_be_read,
    state_directory,
    worker_lives,
    observer_lives,
)
