"""Whether this Redis keeps what it was told: facts for `rollbot check`."""

from __future__ import annotations

from dataclasses import dataclass

import redis

from commands.store.connection import patiently


@dataclass(frozen=True, slots=True)
class Durability:
    """Settings of a running server; None where it does not tell (a managed Redis may hide them).

    `append_only` must be true, or a crash loses acknowledged decisions; `fsync` is "always",
    "everysec" (a power loss may cost a second) or "no"; `eviction` must be "noeviction", or a
    full server drops journals instead of refusing new entries.
    """

    version: str
    append_only: bool | None
    fsync: str | None
    eviction: str | None
    max_memory_bytes: int | None
    used_memory_bytes: int | None


def durability(client: redis.Redis) -> Durability:
    """Ask the server. Raises `StoreUnavailableError`."""
    settings = patiently(lambda: _settings(client))
    info = patiently(client.info)
    append_only = settings.get("appendonly")
    memory = settings.get("maxmemory")
    return Durability(
        version=str(info.get("valkey_version") or info.get("redis_version", "")),
        append_only=None if append_only is None else append_only == "yes",
        fsync=settings.get("appendfsync"),
        eviction=settings.get("maxmemory-policy"),
        max_memory_bytes=None if memory is None else int(memory),
        used_memory_bytes=int(info["used_memory"]) if "used_memory" in info else None,
    )


def _settings(client: redis.Redis) -> dict[str, str]:
    found: dict[str, str] = {}
    try:
        for name in ("appendonly", "appendfsync", "maxmemory-policy", "maxmemory"):
            found |= {str(key): str(value) for key, value in client.config_get(name).items()}
    except redis.ResponseError:
        # CONFIG is renamed or forbidden on managed servers: unknown, not unsafe.
        return found
    return found
