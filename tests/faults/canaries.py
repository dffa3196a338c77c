"""Twenty secrets, where they are planted, and everywhere they must not turn up again."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex
from typing import Any
from urllib.parse import quote

import redis


def fresh(word: str) -> str:
    """A value that occurs nowhere else in the world."""
    return f"canary-{word}-{token_hex(8)}"


@dataclass(frozen=True, slots=True)
class Canaries:
    """Secrets by the name under which a test planted them."""

    planted: Mapping[str, str]

    def found_in(self, text: str) -> set[str]:
        """The names of those that stand in a text, plain or as an address would quote them."""
        return {
            name
            for name, value in self.planted.items()
            if value in text or quote(value, safe="") in text
        }

    def found_under(self, folder: Path) -> dict[str, set[str]]:
        """Which stand in which files below a folder."""
        leaks = {
            str(path.relative_to(folder)): self.found_in(path.read_text(errors="replace"))
            for path in folder.rglob("*")
            if path.is_file()
        }
        return {path: names for path, names in leaks.items() if names}


def project_secrets() -> tuple[dict[str, str], dict[str, str]]:
    """Lines for the project's `.env`, and the secrets in them: 14 of the 20."""
    plain = {
        name: fresh(name.lower().replace("_", "-"))
        for name in (
            *("SECRET_KEY", "DB_PASSWORD", "API_TOKEN", "JWT_SIGNING_KEY", "SMTP_PASS"),
            *("AWS_SECRET_ACCESS_KEY", "COOKIE_SALT", "PAYMENTS_AUTH", "STRIPE_SECRET_LIVE"),
        )
    }
    unnamed = {"LICENCE": f"A1b2{token_hex(12)}", "SESSION_SEED": f"Zz9{token_hex(10)}"}
    inside = {"DATABASE_URL": fresh("dsn"), "CACHE_URL": f"{fresh('cache')}@9"}
    sentry = token_hex(16)
    lines = {
        **plain,
        **unnamed,
        "DATABASE_URL": f"postgresql://app:{inside['DATABASE_URL']}@db:5432/app",
        "CACHE_URL": f"redis://:{quote(inside['CACHE_URL'], safe='')}@redis:6379/0",
        "SENTRY_DSN": f"https://{sentry}@sentry.test/5",
    }
    return lines, {**plain, **unnamed, **inside, "SENTRY_DSN": sentry}


@dataclass(slots=True)
class CommandLines:
    """Every command line that any process of this machine showed while it was watched."""

    seen: set[str] = field(default_factory=set)

    @contextmanager
    def watched(self) -> Iterator[CommandLines]:
        """Look all the time until the block ends."""
        over = threading.Event()
        watcher = threading.Thread(target=self._watch, args=(over,), daemon=True)
        watcher.start()
        try:
            yield self
        finally:
            over.set()
            watcher.join()

    def _watch(self, over: threading.Event) -> None:
        while not over.wait(0.01):
            for process in os.scandir("/proc"):
                if process.name.isdigit():
                    line = _command_line(process.name)
                    # What a test beside this one started for itself is no process of rollbot's.
                    if "tests/integration/" not in line and "tests.integration" not in line:
                        self.seen.add(line)


def _command_line(pid: str) -> str:
    try:
        return (
            Path("/proc", pid, "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        )
    except OSError:
        return ""  # it has ended


def everything_in(client: redis.Redis) -> str:
    """Every key and value of a Redis, of whatever type."""
    return "\n".join(f"{key!r} {_value(client, key)!r}" for key in client.scan_iter(count=1000))


def _value(client: redis.Redis, key: bytes) -> Any:
    match client.type(key):
        case b"stream":
            return client.xrange(key)
        case b"hash":
            return client.hgetall(key)
        case b"list":
            return client.lrange(key, 0, -1)
        case b"set":
            return client.smembers(key)
        case b"zset":
            return client.zrange(key, 0, -1, withscores=True)
        case _:
            return client.get(key)
