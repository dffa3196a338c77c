"""What somebody with access to Redis can do to a journal, without a key and with it."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import redis

from commands.domain.events import EVENTS, AnyEvent
from commands.domain.plan import CommandLine, Phase, Plan, RunCheck
from commands.store.codec import Codec
from commands.store.keys import stream_key

Fields = dict[bytes, bytes]
Change = Callable[[list[Fields]], list[Fields]]


@dataclass(frozen=True, slots=True)
class Stream:
    """One journal's stream, in raw bytes."""

    client: redis.Redis
    environment: str
    journal: str

    @property
    def key(self) -> str:
        return stream_key(self.environment, self.journal)

    def read(self) -> list[Fields]:
        """Every entry's fields, oldest first."""
        entries: Any = self.client.xrange(self.key)
        return [dict(fields) for _, fields in entries]

    def write(self, entries: Sequence[Fields]) -> None:
        """Put these in the place of what there is, numbered as rollbot numbers them."""
        self.client.delete(self.key)
        for n, fields in enumerate(entries, start=1):
            self.client.xadd(self.key, dict(fields), id=f"{n}-0")  # type: ignore[arg-type]

    def delete_entry(self, n: int) -> None:
        """Take one entry out, and leave the others where they are."""
        self.client.xdel(self.key, f"{n}-0")


def edited(n: int) -> Change:
    """A digit of entry n's content is another, its hash made to fit."""

    def change(entries: list[Fields]) -> list[Fields]:
        raw = entries[n - 1][b"e"]
        at = raw.index(b'"at":"20') + len(b'"at":"20')
        other = raw[:at] + (b"31" if raw[at : at + 2] != b"31" else b"32") + raw[at + 2 :]
        entries[n - 1] |= {b"e": other, b"h": sha256(other).hexdigest().encode()}
        return entries

    return change


def removed(n: int) -> Change:
    """Entry n is gone, and those after it have moved up."""
    return lambda entries: entries[: n - 1] + entries[n:]


def reordered(n: int) -> Change:
    """Entries n and n + 1 have changed places."""

    def change(entries: list[Fields]) -> list[Fields]:
        entries[n - 1], entries[n] = entries[n], entries[n - 1]
        return entries

    return change


def signed_with(key: bytes, n: int) -> Change:
    """Entry n is signed anew, with another key."""

    def change(entries: list[Fields]) -> list[Fields]:
        signature = hmac.new(key, entries[n - 1][b"e"], sha256).hexdigest()
        entries[n - 1] |= {b"s": signature.encode()}
        return entries

    return change


def cut_to(n: int) -> Change:
    """Only the first n entries are left, as if nothing had come after."""
    return lambda entries: entries[:n]


def write_signed(key: bytes, stream: Stream, *events: AnyEvent) -> None:
    """What somebody with the journal's own key can write, while a worker writes there too."""
    while True:
        entries = stream.read()
        codec, prev = Codec(stream.environment, EVENTS, key), entries[-1][b"h"].decode()
        pipe = stream.client.pipeline()
        for n, event in enumerate(events, start=len(entries) + 1):
            sealed = codec.seal(stream.journal, n, datetime.now(UTC), prev, event)
            fields = {"e": sealed.raw, "s": sealed.signature, "h": sealed.hash}
            pipe.xadd(stream.key, fields, id=f"{n}-0")  # type: ignore[arg-type]
            prev = sealed.hash
        try:
            pipe.execute()
        except redis.ResponseError:
            continue  # The worker was faster, and nothing was written: its number is taken.
        return


def evil(plan: Plan, trace: Path) -> Plan:
    """The same plan with a program of the thief's own as its first changing step."""
    program = RunCheck(name="evil", command=CommandLine(argv=("touch", str(trace))))
    first = plan.of_phase(Phase.EXECUTE)[0].number
    steps = tuple(
        step.model_copy(update={"action": program}) if step.number == first else step
        for step in plan.steps
    )
    return plan.model_copy(update={"steps": steps})
