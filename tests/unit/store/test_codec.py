from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Literal

import pytest
from pydantic import BaseModel, TypeAdapter

from commands.domain.errors import TamperedJournalError, UnknownEventError
from commands.store.codec import Codec, Sealed
from commands.store.redaction import Redactor
from tests.fakes.events import ADAPTER, KEY, AnyEvent, Noted, Opened

AT = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


def codec(environment: str = "production", key: bytes = KEY) -> Codec[AnyEvent]:
    return Codec(environment, ADAPTER, key, Redactor(["canary-value"]), release="1.0")


def sealed(prev: str = "", n: int = 1) -> Sealed:
    return codec().seal("RB-1", n, AT, prev, Noted(note="привет"))


def test_entries_are_canonical_and_hashed_as_stored() -> None:
    """The bytes are sorted, compact UTF-8, and the hash is of those very bytes."""
    entry = sealed()

    body = json.loads(entry.raw)
    again = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert entry.raw == again.encode()
    assert entry.hash == hashlib.sha256(entry.raw).hexdigest()
    assert (body["journal"], body["n"], body["prev"]) == ("production/RB-1", 1, "")


@pytest.mark.parametrize(
    ("reader", "journal", "n", "prev", "why"),
    [
        (codec("staging"), "RB-1", 1, "", "belongs to production/RB-1"),
        (codec(), "RB-2", 1, "", "belongs to production/RB-1"),
        (codec(), "RB-1", 2, "", "was entry 1"),
        (codec(), "RB-1", 1, "ab", "does not follow the entry before it"),
        (codec(key=b"other"), "RB-1", 1, "", "signature does not match"),
    ],
)
def test_an_entry_counts_only_where_it_was_written(
    reader: Codec[AnyEvent], journal: str, n: int, prev: str, why: str
) -> None:
    """Moved to another environment, journal or place, or signed with another key: refused."""
    entry = sealed()

    with pytest.raises(TamperedJournalError) as caught:
        reader.open(journal, n, prev, entry.raw, entry.signature)

    assert caught.value.why == why


def test_garbage_is_tampering_not_a_crash() -> None:
    """Bytes that are no entry at all are named like any other forged entry."""
    with pytest.raises(TamperedJournalError, match="unreadable"):
        codec().open("RB-1", 1, "", b"\xff{", "é")


class _Newer(BaseModel):
    kind: Literal["drained"] = "drained"


class _NotedMore(BaseModel):
    kind: Literal["noted"] = "noted"
    note: str
    colour: str = "red"


@pytest.mark.parametrize("event", [_Newer(), _NotedMore(note="x")])
def test_a_newer_event_names_the_release_it_needs(event: BaseModel) -> None:
    """An authentic entry that this release cannot read says which rollbot wrote it."""
    newer: Codec[BaseModel] = Codec("production", TypeAdapter(type(event)), KEY, release="2.7")
    entry = newer.seal("RB-1", 1, AT, "", event)

    with pytest.raises(UnknownEventError) as caught:
        codec().open("RB-1", 1, "", entry.raw, entry.signature)

    assert (caught.value.kind, caught.value.needs) == (event.model_dump()["kind"], "2.7")


def test_no_secret_reaches_the_bytes() -> None:
    """Known values and telling names are masked before anything is hashed or stored."""
    event = Opened(
        rollback="RB-1", words=("--dsn=postgres://u:pw1@h/d",), env={"API_TOKEN": "canary-value"}
    )

    entry = codec().seal("RB-1", 1, AT, "", event)

    assert b"canary-value" not in entry.raw
    assert b"pw1" not in entry.raw
    read = codec().open("RB-1", 1, "", entry.raw, entry.signature)
    assert isinstance(read.event, Opened)
    assert read.event.env == {"API_TOKEN": "***"}


def test_a_password_equal_to_an_event_kind_breaks_nothing() -> None:
    """The kind comes from our own closed list and stays readable."""
    plain = Codec("production", ADAPTER, KEY, Redactor(["opened"]))

    entry = plain.seal("RB-1", 1, AT, "", Opened(rollback="RB-1"))

    assert plain.open("RB-1", 1, "", entry.raw, entry.signature).event == Opened(rollback="RB-1")
