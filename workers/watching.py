"""The observer process: its adapters, and its end on SIGTERM."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType

import structlog

from commands.domain.errors import StateLostError, StoreError, TamperedJournalError
from commands.domain.events import EnvironmentEvent
from commands.domain.facts import KnownRelease, LedgerLine
from commands.domain.observed import ObservedDatabase, ObservedRecord, Remembered
from commands.domain.state import EnvironmentState
from commands.domain.text import Text
from commands.store.keys import ENVIRONMENT_JOURNAL
from commands.store.opening import Store, open_store
from workers.jobs import Host, open_ports
from workers.observer import News, Observer
from workers.observing_database import DatabaseWatch
from workers.steps.ports import Ports
from workers.surveying import look_of, surveyor_of

log = structlog.get_logger()

LOOKED_AT = 30
"""So many of the newest rollbacks are compared with the mirror at every record."""

UNTRUSTED = (StateLostError, TamperedJournalError)


@dataclass(slots=True)
class Stop:
    """Set by SIGTERM and SIGINT."""

    asked: bool = False

    def listen(self) -> None:
        """Hear both from now on."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._heard)

    def __call__(self) -> bool:
        """Whether the process should end."""
        return self.asked

    def _heard(self, signum: int, frame: FrameType | None) -> None:
        del signum, frame
        self.asked = True


def run(host: Host) -> None:
    """Observe the host's environment until SIGTERM or SIGINT."""
    stop = Stop()
    stop.listen()
    # Mirrored, so that nothing is written down in a journal that lost what this host has seen.
    assemble(host, open_store(host.access, mirrored=True)).run(stop)


def assemble(host: Host, store: Store) -> Observer:
    """The observer with its adapters; nothing is connected yet."""
    runbook = host.read_runbook()
    ports = open_ports(host, runbook, rollback_id="")
    surveyor = surveyor_of(ports)

    def publish(record: ObservedRecord) -> None:
        store.records.put(record, record.at)

    def note(news: News) -> None:
        def told(state: EnvironmentState) -> tuple[EnvironmentEvent, ...]:
            return news(state.ledger_lines())

        store.book.note(told)

    def releases(service: str) -> tuple[KnownRelease, ...]:
        return surveyor.releases(service, _ledger(store))

    return Observer(
        runbook=runbook,
        environment=host.environment,
        containers=ports.containers,
        web=ports.web,
        clock=host.clock,
        publish=publish,
        note=note,
        releases=releases,
        remembered=lambda: remembered(store),
        database=_database(ports),
        earlier=_earlier(store, host),
    )


def _database(ports: Ports) -> Callable[[], ObservedDatabase | None]:
    look = look_of(ports)
    return DatabaseWatch(look, ports.clock).seen if look else lambda: None


def remembered(store: Store) -> Remembered:
    """What this host's mirror says of the newest journals. Raises StoreUnavailableError."""
    newest = store.mirror.newest(LOOKED_AT)
    found = (_distrusted(store, name) for name in (ENVIRONMENT_JOURNAL, *newest))
    return Remembered(
        untrusted=tuple(why for why in found if why), environment=store.mirror.environment_mark()
    )


def _distrusted(store: Store, name: str) -> Text | None:
    try:
        store.mirror.copy(store.book.journal, name)
    except UNTRUSTED as error:
        log.warning("journal_not_trusted", journal=name, why=str(error))
        return error.text
    return None


def _ledger(store: Store) -> tuple[LedgerLine, ...]:
    """Nothing from a journal that is not trusted: the record has to reach people all the same."""
    try:
        return store.book.environment().ledger_lines()
    except UNTRUSTED:
        return ()


def _earlier(store: Store, host: Host) -> ObservedRecord | None:
    """What an observer recorded before this one, so that its healthy time is not lost."""
    try:
        found = store.records.get(host.clock.now())
    except StoreError:
        return None
    return found.record if found else None
