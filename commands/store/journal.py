"""The journal for the worker: the blocking shell over one script, one codec and `Chains`."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any, Generic, TypeVar

import redis

from commands.store.chain import CONFLICT, Append, Chains, Part, RawEntry
from commands.store.codec import Codec, Recorded
from commands.store.connection import RETRY_FOR_S, SOCKET_TIMEOUT_S, patiently
from commands.store.keys import names_key, stream_key

E = TypeVar("E")

# A blocking read must end before the socket's own timeout calls Redis dead.
BLOCK_S = SOCKET_TIMEOUT_S / 2


def append_script() -> str:
    """The one script that writes journals."""
    return files("commands.store").joinpath("append.lua").read_text()


def by_number(names: Iterable[bytes]) -> tuple[str, ...]:
    """Rollback names, RB-9 before RB-10."""
    return tuple(sorted((n.decode() for n in names), key=lambda n: (len(n), n)))


class Journal(Generic[E]):
    """Reads and appends the journals of one environment. Threads may share it.

    Every method raises `StoreUnavailableError` when Redis stays away (`retry_for_s` and at most
    one socket timeout, 3 s with the defaults), `TamperedJournalError`, `UnknownEventError`, and
    `StateLostError` when a journal is shorter than it was.
    """

    def __init__(
        self, client: redis.Redis, codec: Codec[E], retry_for_s: float = RETRY_FOR_S
    ) -> None:
        self._client = client
        self._environment = codec.environment
        self._chains = Chains(codec)
        self._script = client.register_script(append_script())
        self._retry_for_s = retry_for_s
        self._lock = threading.Lock()

    def read(self, name: str, after: int = 0) -> list[Recorded[E]]:
        """Verified entries `after + 1` and on. Only what is new is fetched and verified.

        Raises `StateLostError` too when there are fewer than `after` entries.
        """
        start = min(after, self._chains.verified(name))
        entries = self._fetch(name, start)
        with self._lock:
            return self._chains.accept_after(name, after, start, entries)

    def append(self, batch: Iterable[Part[E]], at: datetime | None = None) -> dict[str, int]:
        """Append to one or several journals, all or nothing; returns their new lengths.

        Each part names the length that its events were decided on. Raises
        `JournalConflictError` when it is another by now (re-read, decide again) and
        `StoreFullError`. After a `StoreUnavailableError` the entries may or may not be there.
        """
        parts = list(batch)
        for name, expected, _ in parts:
            if self._chains.verified(name) < expected:
                self.read(name, self._chains.verified(name))
        with self._lock:
            append = self._chains.prepare(parts, at or datetime.now(UTC))
        answer = self._run(append)
        with self._lock:
            self._chains.judge(append, answer)
            return self._chains.appended(append)

    def follow(self, after: Mapping[str, int], block_s: float) -> dict[str, list[Recorded[E]]]:
        """Wait up to `block_s` for entries after the given positions; {} when there were none."""
        until = time.monotonic() + block_s
        for name, position in after.items():
            self.read(name, max(position, self._chains.verified(name)))
        keys = {stream_key(self._environment, name): name for name in after}
        wanted: dict[Any, Any] = {key: f"{after[name]}-0" for key, name in keys.items()}
        while True:
            block_ms = max(1, int(min(BLOCK_S, until - time.monotonic()) * 1000))
            found = self._patiently(lambda ms=block_ms: self._client.xread(wanted, block=ms))
            if found:
                with self._lock:
                    return {
                        (name := keys[key.decode()]): self._chains.accept(
                            name, after[name], entries
                        )
                        for key, entries in found
                    }
            if time.monotonic() >= until:
                return {}

    def names(self) -> tuple[str, ...]:
        """Every rollback that has a journal, oldest first."""
        members: set[bytes] = self._patiently(
            lambda: self._client.smembers(names_key(self._environment))
        )
        return by_number(members)

    def _fetch(self, name: str, after: int) -> Sequence[RawEntry]:
        key = stream_key(self._environment, name)

        def once() -> Any:  # noqa: ANN401 -- redis-py does not type what a pipeline gives
            seen = self._chains.verified(name)
            pipe = self._client.pipeline(transaction=False)
            pipe.xrange(key, min=f"{after + 1}-0")
            pipe.xinfo_stream(key)
            entries, info = pipe.execute(raise_on_error=False)
            if isinstance(entries, Exception):
                raise entries
            self._chains.check_whole(name, info, seen)
            return entries

        entries: Sequence[RawEntry] = self._patiently(once)
        return entries

    def _run(self, append: Append) -> Sequence[int]:
        attempts = 0

        def once() -> Any:  # noqa: ANN401 -- likewise for scripts
            nonlocal attempts
            attempts += 1
            return self._script(keys=append.keys, args=append.args)

        answer: Sequence[int] = self._patiently(once)
        # A reply lost on the way made us send it twice, and the first one had arrived.
        if answer[0] == CONFLICT and attempts > 1 and self._is_ours(append):
            return [0]
        return answer

    def _is_ours(self, append: Append) -> bool:
        name, expected, _ = next(part for part in append.parts if part[2])
        return self._chains.is_first(append, self._fetch(name, expected))

    def _patiently(self, call: Any) -> Any:  # noqa: ANN401 -- likewise
        return patiently(call, self._retry_for_s)
