"""The observer: what it records, what the ledger learns, what it survives."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

from structlog.testing import capture_logs

from commands.domain.errors import StoreUnavailableError
from commands.domain.events import EnvironmentEvent, ReleaseProven, ReleaseSeen
from commands.domain.facts import KnownRelease, LedgerLine
from commands.domain.observed import ObservedRecord
from commands.domain.proof import Verdict
from commands.domain.state import EnvironmentState
from commands.domain.state.fold_environment import fold_environment
from tests.unit.steps.engine import SteppedClock
from tests.unit.steps.world import NEW, OLD, World, released, world
from workers.observer import News, Observer

API, WORKER = "http://api/health", "http://worker/health"


@dataclass
class Memory:
    """The record and the environment's journal, as the store keeps them."""

    clock: SteppedClock
    state: EnvironmentState = field(default_factory=lambda: EnvironmentState(name="production"))
    events: list[EnvironmentEvent] = field(default_factory=list)
    record: ObservedRecord | None = None
    away: bool = False

    def publish(self, record: ObservedRecord) -> None:
        self._answer()
        self.record = record

    def note(self, news: News) -> None:
        self._answer()
        for event in news(self.state.ledger_lines()):
            self.events.append(event)
            fold_environment(self.state, event, self.clock.now())

    def proofs(self) -> list[ReleaseProven]:
        return [e for e in self.events if isinstance(e, ReleaseProven)]

    def line(self, service: str, digest: str) -> LedgerLine:
        return self.state.ledger[service, digest]

    def _answer(self) -> None:
        if self.away:
            raise StoreUnavailableError(why="away")


def none_known(service: str) -> tuple[KnownRelease, ...]:
    return ()


def observer(w: World, memory: Memory, **more: Any) -> Observer:
    given: dict[str, Any] = {
        "runbook": w.book,
        "environment": "production",
        "containers": w.engine,
        "web": w.web,
        "clock": w.clock,
        "publish": memory.publish,
        "note": memory.note,
        "releases": none_known,
    }
    return Observer(**given | more)


def watch(seen: Observer, w: World, seconds: float) -> None:
    """Let it run that long."""
    until = w.clock.now() + timedelta(seconds=seconds)
    seen.run(lambda: w.clock.now() >= until)


def start() -> tuple[World, Memory, Observer]:
    w = world("api", "worker")
    memory = Memory(w.clock)
    return w, memory, observer(w, memory)


def record_of(memory: Memory) -> ObservedRecord:
    assert memory.record is not None
    return memory.record


def test_the_record_says_what_runs_and_how_it_is() -> None:
    """Release, health, since when, and how many probes of the window failed."""
    w, memory, seen = start()
    w.clock.at_time = [(20, lambda: w.answer(API, 503))]
    watch(seen, w, 40)
    api = record_of(memory).of("api")
    assert api is not None
    assert api.running is not None
    assert (api.running.version, api.health, api.why) == (NEW, Verdict.BAD, "HTTP 503")
    assert api.since_at == w.clock.time - timedelta(seconds=20)
    assert (api.probes, api.failures) == (7, 3)


def test_a_release_is_proven_after_long_enough_and_not_before() -> None:
    """Ten healthy minutes without a break make a proof; seen is not proven."""
    w, memory, seen = start()
    watch(seen, w, 590)
    assert {type(e) for e in memory.events} == {ReleaseSeen}
    watch(seen, w, 60)
    assert {p.service for p in memory.proofs()} == {"api", "worker"}
    assert memory.line("api", released("api", NEW).digest).proven is not None


def test_a_proof_is_told_at_once() -> None:
    """Not at the next turn to the engine: a rollback may be waiting for a release to go back to."""
    w, memory, seen = start()
    watch(seen, w, 606)
    assert {p.service for p in memory.proofs()} == {"api", "worker"}


def test_a_proof_has_the_releases_listed_anew() -> None:
    """What people can go back to says at the next record that a release is proven."""
    w, memory, _ = start()
    asked_at: list[float] = []
    began_at = w.clock.now()

    def releases(service: str) -> tuple[KnownRelease, ...]:
        asked_at.append((w.clock.now() - began_at).total_seconds())
        return ()

    watch(observer(w, memory, releases=releases), w, 625)
    assert any(605 < at <= 620 for at in asked_at)


def test_one_bad_answer_starts_the_ten_minutes_again() -> None:
    """Healthy for nine minutes, then a failure, then nine more: not proven."""
    w, memory, seen = start()
    w.clock.at_time = [(540, lambda: w.answer(API, None))]
    w.clock.at_time += [(550, lambda: w.answer(API, 200))]
    watch(seen, w, 1080)
    assert {p.service for p in memory.proofs()} == {"worker"}


def test_a_long_run_is_told_seldom_and_its_end_exactly() -> None:
    """The journal keeps all, so the proof is rewritten when it doubles, and when it ends."""
    w, memory, seen = start()
    night_s = 4 * 3600
    w.clock.at_time = [(night_s, lambda: w.engine.becomes("api", container_id="recreated"))]
    watch(seen, w, night_s + 60)
    proofs = [p for p in memory.proofs() if p.service == "api"]
    assert len(proofs) <= 7
    length = proofs[-1].proven.until_at - proofs[-1].proven.since_at
    assert abs(length.total_seconds() - night_s) <= 30


def test_a_deploy_begins_a_run_of_its_own() -> None:
    """The old release's proof ends, the new one has to earn its own."""
    w, memory, seen = start()
    watch(seen, w, 700)
    w.engine.deployed("api", OLD)
    watch(seen, w, 300)
    assert memory.line("api", released("api", NEW).digest).proven is not None
    assert memory.line("api", released("api", OLD).digest).proven is None
    watch(seen, w, 400)
    assert memory.line("api", released("api", OLD).digest).proven is not None


def test_a_service_without_a_health_url_is_never_proven() -> None:
    """Its health stays unknown, and unknown is not proof, however long it runs on."""
    w = world("worker", services={"worker": {"health_url": ""}})
    memory = Memory(w.clock)
    watch(observer(w, memory), w, 660)
    worker = record_of(memory).of("worker")
    assert worker is not None
    assert worker.health is Verdict.UNKNOWN
    assert memory.proofs() == []


def test_a_containers_own_check_is_health() -> None:
    """Without a URL the HEALTHCHECK says how it is, and for how long."""
    w = world("worker", services={"worker": {"health_url": ""}})
    w.engine.becomes("worker", health="unhealthy")
    memory = Memory(w.clock)
    seen = observer(w, memory)
    watch(seen, w, 30)
    worker = record_of(memory).of("worker")
    assert worker is not None
    assert (worker.health, worker.why) == (Verdict.BAD, "unhealthy")
    w.engine.becomes("worker", health="healthy")
    watch(seen, w, 700)
    assert [p.service for p in memory.proofs()] == ["worker"]


def test_a_restarting_container_is_never_proven() -> None:
    """A crash loop is no run: every restart begins anew."""
    w = world("worker", services={"worker": {"health_url": ""}})
    memory = Memory(w.clock)
    crashes = (partial(w.engine.becomes, "worker", restart_count=n) for n in range(1, 25))
    w.clock.at_time = [(60.0 * n, crash) for n, crash in enumerate(crashes, start=1)]
    watch(observer(w, memory), w, 1500)
    assert memory.proofs() == []


def test_an_observer_that_comes_back_goes_on() -> None:
    """A restart of the observer, or of its host's Redis, does not cost the ten minutes."""
    w, memory, seen = start()
    watch(seen, w, 400)
    w.clock.sleep(30)
    again = observer(w, memory, earlier=record_of(memory))
    watch(again, w, 250)
    assert {p.service for p in memory.proofs()} == {"api", "worker"}


def test_an_old_record_is_not_taken_up() -> None:
    """Nobody looked for an hour: nothing is known of that hour."""
    w, memory, seen = start()
    watch(seen, w, 400)
    w.clock.sleep(3600)
    watch(observer(w, memory, earlier=record_of(memory)), w, 250)
    assert memory.proofs() == []


def test_a_store_that_is_away_loses_nothing() -> None:
    """What was seen is written when the store is back."""
    w, memory, seen = start()
    memory.away = True
    watch(seen, w, 660)
    assert memory.events == []
    memory.away = False
    watch(seen, w, 30)
    assert {p.service for p in memory.proofs()} == {"api", "worker"}


def test_an_engine_that_is_away_is_in_the_record() -> None:
    """People are told that nothing is fresh, instead of an old release being shown as new."""
    w, memory, _ = start()
    seen = observer(w, memory)
    w.engine.away = True
    watch(seen, w, 20)
    error = record_of(memory).engine_error
    assert error is not None
    assert error.key == "error.engine_unavailable"
    assert memory.events == []
    w.engine.away = False
    watch(seen, w, 20)
    assert record_of(memory).engine_error is None


def test_a_first_start_lists_what_is_here_as_seen() -> None:
    """Images on the host become choices, never proofs; a known service is not listed again."""
    w = world("api")
    memory = Memory(w.clock)

    def releases(service: str) -> tuple[KnownRelease, ...]:
        old = KnownRelease(service=service, version=OLD, digest="sha256:old", sources=("local",))
        return (old, old.model_copy(update={"version": "v0", "digest": "", "sources": ("git",)}))

    seen = observer(w, memory, releases=releases)
    watch(seen, w, 20)
    listed = seen_only(memory.events)
    assert {(e.service, e.version) for e in listed} == {
        (name, OLD) for name in ("api", "worker", "frontend")
    }
    watch(seen, w, 60)
    assert seen_only(memory.events) == listed
    assert memory.proofs() == []


def seen_only(events: Iterable[EnvironmentEvent]) -> list[ReleaseSeen]:
    return [e for e in events if isinstance(e, ReleaseSeen) and not e.running]


def test_what_nobody_foresaw_ends_no_observer() -> None:
    """A look at the database that fails oddly costs that record; the next one has everything."""
    w = world("api", "worker")
    memory, odd = Memory(w.clock), [ValueError("odd")]

    def database() -> None:
        if odd:
            raise odd.pop()

    seen = observer(w, memory, database=database)
    with capture_logs() as logs:
        watch(seen, w, 14)
        assert memory.record is None
        watch(seen, w, 20)

    assert record_of(memory).services
    assert [line["event"] for line in logs if line["log_level"] == "error"] == [
        "observer_made_no_record"
    ]
