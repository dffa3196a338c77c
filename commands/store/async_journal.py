"""The journal for the bot: the asynchronous shell over the same script, codec and `Chains`."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

import redis.asyncio

from commands.store.chain import CONFLICT, Append, Chains, Part, RawEntry
from commands.store.codec import Codec, Recorded
from commands.store.connection import RETRY_FOR_S, patiently_async
from commands.store.journal import BLOCK_S, append_script, by_number
from commands.store.keys import names_key, stream_key

E = TypeVar("E")


class AsyncJournal(Generic[E]):
    """`Journal` for one event loop: the same methods, errors and patience.

    Nothing is awaited between looking at what is verified and adding to it, so tasks may share
    it without a lock.
    """

    def __init__(
        self, client: redis.asyncio.Redis, codec: Codec[E], retry_for_s: float = RETRY_FOR_S
    ) -> None:
        self._client = client
        self._environment = codec.environment
        self._chains = Chains(codec)
        self._script = client.register_script(append_script())
        self._retry_for_s = retry_for_s

    async def read(self, name: str, after: int = 0) -> list[Recorded[E]]:
        """See `Journal.read`."""
        start = min(after, self._chains.verified(name))
        entries = await self._fetch(name, start)
        return self._chains.accept_after(name, after, start, entries)

    async def append(self, batch: Iterable[Part[E]], at: datetime | None = None) -> dict[str, int]:
        """See `Journal.append`."""
        parts = list(batch)
        for name, expected, _ in parts:
            if self._chains.verified(name) < expected:
                await self.read(name, self._chains.verified(name))
        append = self._chains.prepare(parts, at or datetime.now(UTC))
        answer = await self._run(append)
        self._chains.judge(append, answer)
        return self._chains.appended(append)

    async def follow(
        self, after: Mapping[str, int], block_s: float
    ) -> dict[str, list[Recorded[E]]]:
        """See `Journal.follow`."""
        until = time.monotonic() + block_s
        for name, position in after.items():
            await self.read(name, max(position, self._chains.verified(name)))
        keys = {stream_key(self._environment, name): name for name in after}
        wanted: dict[Any, Any] = {key: f"{after[name]}-0" for key, name in keys.items()}
        while True:
            block_ms = max(1, int(min(BLOCK_S, until - time.monotonic()) * 1000))
            found = await self._patiently(lambda ms=block_ms: self._client.xread(wanted, block=ms))
            if found:
                return {
                    (name := keys[key.decode()]): self._chains.accept(name, after[name], entries)
                    for key, entries in found
                }
            if time.monotonic() >= until:
                return {}

    async def names(self) -> tuple[str, ...]:
        """See `Journal.names`."""
        members = await self._patiently(lambda: self._client.smembers(names_key(self._environment)))
        return by_number(members)

    async def _fetch(self, name: str, after: int) -> Sequence[RawEntry]:
        key = stream_key(self._environment, name)

        async def once() -> Any:  # noqa: ANN401 -- redis-py does not type what a pipeline gives
            seen = self._chains.verified(name)
            pipe: Any = self._client.pipeline(transaction=False)
            pipe.xrange(key, min=f"{after + 1}-0")
            pipe.xinfo_stream(key)
            entries, info = await pipe.execute(raise_on_error=False)
            if isinstance(entries, Exception):
                raise entries
            self._chains.check_whole(name, info, seen)
            return entries

        entries: Sequence[RawEntry] = await self._patiently(once)
        return entries

    async def _run(self, append: Append) -> Sequence[int]:
        attempts = 0

        async def once() -> Any:  # noqa: ANN401 -- likewise for scripts
            nonlocal attempts
            attempts += 1
            return await self._script(keys=append.keys, args=append.args)

        answer: Sequence[int] = await self._patiently(once)
        # A reply lost on the way made us send it twice, and the first one had arrived.
        if answer[0] == CONFLICT and attempts > 1 and await self._is_ours(append):
            return [0]
        return answer

    async def _is_ours(self, append: Append) -> bool:
        name, expected, _ = next(part for part in append.parts if part[2])
        return self._chains.is_first(append, await self._fetch(name, expected))

    async def _patiently(self, call: Any) -> Any:  # noqa: ANN401 -- likewise
        return await patiently_async(call, self._retry_for_s)
