"""The observer: what runs and how it is, seen all the time; it changes nothing.

Health is asked every 5 s, the engine every 15 s and when a release has proved itself. The record
is latest-wins and read with its age; the ledger gets what was seen to run, and how long it ran
well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from commands.domain.errors import EngineError, StoreError
from commands.domain.events import EnvironmentEvent, ReleaseSeen
from commands.domain.facts import KnownRelease, LedgerLine
from commands.domain.observed import ObservedDatabase, ObservedRecord, Remembered
from commands.domain.runbook import Runbook
from commands.domain.text import Text
from commands.planner.pins import compose_name
from commands.ports import Clock, Containers, Web
from workers.checks.health import ask_health
from workers.checks.watched import Watched

log = structlog.get_logger()

PROBE_EVERY_S = 5.0
RECORD_EVERY_S = 15.0
RELEASES_EVERY_S = 60.0
STOPS_WITHIN_S = 0.5
STALE = timedelta(seconds=60)

News = Callable[[Iterable[LedgerLine]], tuple[EnvironmentEvent, ...]]


@dataclass(slots=True, kw_only=True)
class Observer:
    """Observes one environment.

    `publish` replaces the record. `note` appends to the environment's journal what a function of
    the ledger says, and asks it again on a conflict. `releases` tells what a service could go
    back to, `remembered` what this host knows of its journals, `database` what is known of that
    by now. Any of them may raise StoreError: then it is tried again at the next turn, and
    nothing that was seen meanwhile is lost.
    """

    runbook: Runbook
    environment: str
    containers: Containers
    web: Web
    clock: Clock
    publish: Callable[[ObservedRecord], None]
    note: Callable[[News], None]
    releases: Callable[[str], tuple[KnownRelease, ...]]
    remembered: Callable[[], Remembered] = Remembered
    database: Callable[[], ObservedDatabase | None] = lambda: None
    earlier: ObservedRecord | None = None
    watched: dict[str, Watched] = field(init=False)
    _known: dict[str, tuple[KnownRelease, ...]] = field(init=False, default_factory=dict)
    _listed_at: datetime | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        """Nothing is known yet; `earlier` is taken up at the first record if it is fresh."""
        self.watched = {
            name: Watched(
                name, bool(self.runbook.services[name].health_url), self._seconds("watch_s")
            )
            for name in self.runbook.service_names(self.environment)
        }

    def run(self, stopping: Callable[[], bool]) -> None:
        """Until `stopping` says so. A bad answer of engine or store never ends it."""
        turn = 0
        every = round(RECORD_EVERY_S / PROBE_EVERY_S)
        while not stopping():
            began_at = self.clock.now()
            self.probe()
            if turn % every == 0 or self._has_news():
                self.record()
            turn += 1
            next_at = began_at + timedelta(seconds=PROBE_EVERY_S)
            while self.clock.now() < next_at and not stopping():
                self.clock.sleep(STOPS_WITHIN_S)

    def probe(self) -> None:
        """Ask every health URL once, side by side."""
        urls = {
            name: self.runbook.services[name].health_url
            for name, one in self.watched.items()
            if one.asks_health
        }
        with ThreadPoolExecutor(max(1, len(urls))) as pool:
            asked = {name: pool.submit(ask_health, self.web, url) for name, url in urls.items()}
        at = self.clock.now()
        for name, answer in asked.items():
            self.watched[name].probed(answer.result(), at, self._seconds("proven_after_s"))

    def record(self) -> None:
        """Look at the engine, publish the record, tell the ledger."""
        try:
            self._record()
        except StoreError as failure:
            log.warning("observer_waits_for_store", why=str(failure))
        except Exception:
            # Others see it by the record's age; what was seen meanwhile must not be lost.
            log.exception("observer_made_no_record")

    def _record(self) -> None:
        error = self._look()
        at = self.clock.now()
        record = ObservedRecord(
            at=at,
            services=tuple(one.observed() for one in self.watched.values()),
            releases=self._known,
            engine_error=error,
            remembered=self.remembered(),
            database=self.database(),
        )
        # First the record, which people read; the ledger can wait for the next turn.
        self.publish(record)
        if error is None:
            self._tell(at)

    def _has_news(self) -> bool:
        """A release proved itself: that is told at once, not at the next turn."""
        at, proven_after = self.clock.now(), self._seconds("proven_after_s")
        return any(one.has_news(at, proven_after) for one in self.watched.values())

    def _look(self) -> Text | None:
        """Ask the engine what runs; its error if it does not say."""
        at, proven_after = self.clock.now(), self._seconds("proven_after_s")
        try:
            for name, one in self.watched.items():
                service = compose_name(name, self.runbook.services[name])
                one.saw(self.containers.running(service), at, proven_after)
            self._take_up(at)
            self._list_releases(at)
        except EngineError as error:
            log.warning("observer_sees_no_engine", why=str(error))
            return error.text
        return None

    def _take_up(self, at: datetime) -> None:
        earlier, self.earlier = self.earlier, None
        if earlier is None or at - earlier.at > STALE:
            return
        for one in self.watched.values():
            before = earlier.of(one.service)
            if before is not None:
                one.goes_on(before, at)

    def _list_releases(self, at: datetime) -> None:
        """Now and then only: a registry is asked for all its tags."""
        if self._listed_at is None or (at - self._listed_at).total_seconds() >= RELEASES_EVERY_S:
            self._known = {name: self.releases(name) for name in self.watched}
            self._listed_at = at

    def _tell(self, at: datetime) -> None:
        proven_after = self._seconds("proven_after_s")

        def news(ledger: Iterable[LedgerLine]) -> tuple[EnvironmentEvent, ...]:
            lines = tuple(ledger)
            told = [n for w in self.watched.values() for n in w.news(lines, at, proven_after)]
            return (*told, *self._not_in(lines))

        self.note(news)
        if self._has_news():
            # What is proven now must not be listed as unproven for another minute.
            self._listed_at = None
        for one in self.watched.values():
            one.told_all(at, proven_after)

    def _not_in(self, ledger: tuple[LedgerLine, ...]) -> tuple[EnvironmentEvent, ...]:
        """On a first start: images that are here were seen, which is not proven."""
        known = {line.service for line in ledger}
        return tuple(
            ReleaseSeen(service=name, version=r.version, digest=r.digest, running=False)
            for name, releases in self._known.items()
            for r in releases
            if name not in known and r.digest and "local" in r.sources and not r.running
        )

    def _seconds(self, name: str) -> timedelta:
        return timedelta(seconds=getattr(self.runbook.timing, name))
