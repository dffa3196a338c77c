"""What every journal must do: in memory, on Valkey, on Redis; blocking and asynchronous."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from commands.domain.errors import JournalConflictError, StateLostError, TamperedJournalError
from commands.store.async_journal import AsyncJournal
from commands.store.codec import Codec
from commands.store.connection import connect, connect_async
from commands.store.journal import Journal
from tests.engines.found import address_of
from tests.engines.redis_server import RedisServer, embedded_program
from tests.fakes.events import ADAPTER, KEY, AnyEvent, Noted, Opened
from tests.fakes.store import AsyncMemoryJournal, MemoryJournal, MemoryStreams

AT = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)

Make = Callable[[], Any]


def codec(environment: str = "production") -> Codec[AnyEvent]:
    return Codec(environment, ADAPTER, KEY)


class Driven:
    """An asynchronous journal behind blocking calls, so that one suite does for both."""

    def __init__(self, runner: asyncio.Runner, journal: Any) -> None:
        self._runner, self._journal = runner, journal

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._journal, name)

        async def call(*args: Any) -> Any:
            return await method(*args)

        return lambda *args: self._runner.run(call(*args))


@pytest.fixture(scope="module", params=["memory", "embedded", "redis"])
def world(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Any]:
    if request.param == "memory":
        yield MemoryStreams()
        return
    program = address_of("redis") if request.param == "redis" else embedded_program()
    server = RedisServer(program, tmp_path_factory.mktemp("store"))
    server.start()
    yield server
    server.kill9()


@pytest.fixture
def clean(world: Any) -> Iterator[Any]:
    yield world
    if isinstance(world, MemoryStreams):
        world.entries.clear()
        return
    world.empty()


@pytest.fixture(params=["blocking", "asynchronous"])
def make(request: pytest.FixtureRequest, clean: Any) -> Iterator[Make]:
    """Makes a new reader of the same journals, which remembers nothing."""
    memory, blocking = isinstance(clean, MemoryStreams), request.param == "blocking"
    clients: list[Any] = []
    with asyncio.Runner() as runner:

        def new() -> Any:
            journal: Any
            if memory:
                kind = MemoryJournal if blocking else AsyncMemoryJournal
                journal = kind(codec(), clean)
            else:
                clients.append((connect if blocking else connect_async)(clean.url))
                journal = (Journal if blocking else AsyncJournal)(clients[-1], codec())
            return journal if blocking else Driven(runner, journal)

        yield new
        for client in clients:
            client.close() if blocking else runner.run(client.aclose())


@pytest.fixture
def journal(make: Make) -> Any:
    return make()


def drop(world: Any, environment_journal: str = "rollbot:production:env") -> None:
    """Lose a journal, as an emptied server would."""
    if isinstance(world, MemoryStreams):
        world.entries.pop("env")
        return
    with connect(world.url) as client:
        client.delete(environment_journal)


def rewrite_note(world: Any, n: int) -> None:
    """Change one entry of the environment's journal, keeping everything else."""
    if isinstance(world, MemoryStreams):
        entry_id, fields = world.entries["env"][n - 1]
        forged = fields[b"e"].replace(b"first", b"FIRST")
        world.entries["env"][n - 1] = (entry_id, {**fields, b"e": forged})
        return
    with connect(world.url) as client:
        key = "rollbot:production:env"
        entries: Any = client.xrange(key)
        client.delete(key)
        for entry_id, fields in entries:
            if entry_id == f"{n}-0".encode():
                fields[b"e"] = fields[b"e"].replace(b"first", b"FIRST")
            client.xadd(key, fields, id=entry_id)


def notes(*words: str) -> list[AnyEvent]:
    return [Noted(note=word) for word in words]


def test_what_is_appended_is_read_back(journal: Any, make: Make) -> None:
    """Events come back as they went in, numbered from 1, to the writer and to a stranger."""
    event = Opened(rollback="RB-1", words=("api", "v1.2.3"))

    lengths = journal.append([("env", 0, [event, *notes("ожидание")])], AT)

    assert lengths == {"env": 2}
    for reader in (journal, make()):
        entries = reader.read("env")
        assert [(e.n, e.at, e.event) for e in entries] == [
            (1, AT, event),
            (2, AT, *notes("ожидание")),
        ]


def test_a_journal_nobody_wrote_is_empty(journal: Any) -> None:
    """Reading what does not exist gives nothing and creates nothing."""
    assert journal.read("RB-404") == []
    assert journal.names() == ()


def test_only_one_of_two_decisions_on_the_same_state_counts(journal: Any, make: Make) -> None:
    """Who decided on an older length is told, and the journal holds the first alone."""
    late = make()
    late.read("env")
    journal.append([("env", 0, notes("first"))], AT)

    with pytest.raises(JournalConflictError) as caught:
        late.append([("env", 0, notes("second"))], AT)

    assert (caught.value.journal, caught.value.expected, caught.value.actual) == ("env", 0, 1)
    assert [e.event for e in late.read("env")] == notes("first")


def test_a_batch_is_all_or_nothing(journal: Any, make: Make) -> None:
    """When one of two journals has moved on, the other gets nothing either."""
    other = make()
    other.append([("RB-1", 0, notes("taken"))], AT)

    with pytest.raises(JournalConflictError):
        journal.append([("env", 0, notes("slot")), ("RB-1", 0, notes("start"))], AT)

    assert journal.read("env") == []
    assert journal.append([("env", 0, notes("slot")), ("RB-1", 1, notes("start"))], AT) == {
        "env": 1,
        "RB-1": 2,
    }


def test_reading_goes_on_where_it_stopped(journal: Any, make: Make) -> None:
    """`after` gives what is new, also to a new reader; who has seen more than there is, is told."""
    journal.append([("env", 0, notes("a", "b", "c"))], AT)

    assert [e.n for e in make().read("env", 2)] == [3]
    assert [e.n for e in journal.read("env", 1)] == [2, 3]
    assert journal.read("env", 3) == []
    for reader in (journal, make()):
        with pytest.raises(StateLostError) as caught:
            reader.read("env", 9)
        assert (caught.value.seen, caught.value.found) == (9, 3)


def test_rollbacks_are_listed_by_number(journal: Any) -> None:
    """RB-2 comes before RB-10, and the environment's own journal is not a rollback."""
    for name in ("RB-10", "RB-2", "env"):
        journal.append([(name, 0, notes("x"))], AT)

    assert journal.names() == ("RB-2", "RB-10")


def test_following_gives_what_is_new_in_each_journal(journal: Any, make: Make) -> None:
    """Entries after the given positions come by journal; with none, waiting ends empty."""
    writer = make()
    writer.append([("env", 0, notes("a", "b")), ("RB-1", 0, notes("c"))], AT)

    found = journal.follow({"env": 1, "RB-1": 1}, 0.05)

    assert {name: [e.n for e in entries] for name, entries in found.items()} == {"env": [2]}
    assert journal.follow({"env": 2, "RB-1": 1}, 0.05) == {}


def test_an_emptied_store_is_noticed(journal: Any, clean: Any) -> None:
    """Whoever read a journal refuses to go on when it is gone, reading or writing."""
    journal.append([("env", 0, notes("a", "b"))], AT)
    drop(clean)

    with pytest.raises(StateLostError) as caught:
        journal.read("env")
    assert (caught.value.seen, caught.value.found) == (2, 0)
    with pytest.raises(StateLostError):
        journal.append([("env", 2, notes("c"))], AT)


def test_a_changed_entry_is_named(journal: Any, make: Make, clean: Any) -> None:
    """A reader that verifies from the start names journal and entry."""
    journal.append([("env", 0, notes("zero", "first", "second"))], AT)
    rewrite_note(clean, 2)

    with pytest.raises(TamperedJournalError) as caught:
        make().read("env")
    assert (caught.value.journal, caught.value.position) == ("env", 2)
