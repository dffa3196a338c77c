"""What an ended rollback still asks people, or owes them, is looked after by the clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast

import pytest

from bot.attention import WATCH
from bot.cards.view import View
from bot.clock import Deadlines, watched
from bot.console.renderer import lines
from bot.outbox import Wanted, wanted
from commands.domain import events as e
from commands.domain.command import Actor, Confirm
from commands.domain.conversation import MessageRef, Tone
from commands.domain.decide.case import Case
from commands.domain.decide.small import confirm
from commands.domain.observed import ObservedRecord, ObservedService
from commands.domain.plan import Phase
from commands.domain.proof import Verdict
from commands.domain.spoken import Tick
from commands.domain.state import EnvironmentState
from commands.handlers import Service
from commands.handlers.pressing import press
from commands.store.book import AsyncBook
from commands.store.records import Observed
from tests.cards.stories import closed_badly, succeeded
from tests.cards.stories_database import drop_kept_asked
from tests.cards.teller import HOME, Teller
from tests.fakes.clock import FixedClock
from tests.unit.bot.test_relay import told
from tests.unit.planner import world


@dataclass(frozen=True, slots=True)
class Office:
    """As much of a `Service` as the clock asks for; nobody works."""

    book: AsyncBook
    called: list[str] = field(default_factory=list)
    record: Observed[ObservedRecord] | None = None

    async def observed(self) -> Observed[ObservedRecord] | None:
        """What the observer has seen, if there is one."""
        return self.record

    async def workers(self) -> tuple[()]:
        """No worker lives."""
        return ()

    async def must_have_room(self) -> None:
        """The store takes writes."""

    async def call_worker(self, rollback_id: str) -> None:
        """Remember who was called for."""
        self.called.append(rollback_id)


def closed(story: Teller) -> Teller:
    """Cleaned up, and watched to the end."""
    for step in story.state.planned(Phase.CLEAN_UP):
        story.tell(e.StepIntended(step=step.number), e.StepDone(step=step.number, seconds=1))
    return story.tell(e.Closed(verdict=Verdict.OK))


async def looked(
    story: Teller, later: timedelta, record: Observed[ObservedRecord] | None = None
) -> Office:
    """One look of the clock, so much later."""
    office = Office((await told(story)).book, record=record)
    services = {"production": cast("Service", office)}
    deadlines = Deadlines(
        runbook=story.runbook, services=services, clock=FixedClock(story.now + later)
    )
    await deadlines.look("production", services["production"])
    return office


async def test_a_question_about_a_closed_rollback_expires() -> None:
    """Who asks weeks later to let the kept database go, and gets no answer, is told in time."""
    story = closed(drop_kept_asked())

    office = await looked(story, timedelta(hours=2))

    entries = await office.book.entries(story.state.id)
    assert entries[-1].event == e.Expired(verb="drop_kept")


async def test_a_kept_database_that_was_let_go_is_dropped_though_the_job_was_lost() -> None:
    """A worker is called again until it has said what became of it."""
    story = closed(drop_kept_asked()).approve("vera")
    story.tell(e.DropKeptOrdered(people=("gleb", "vera")))

    office = await looked(story, timedelta(seconds=30))

    assert office.called == [story.state.id]


async def test_what_is_over_is_left_alone() -> None:
    """Nothing is written and nobody called once there is nothing to ask and nothing to do."""
    story = closed(drop_kept_asked()).approve("vera")
    story.tell(e.DropKeptOrdered(people=("gleb", "vera")), e.KeptDropped(databases=("x",)))
    before = len(story.said)

    office = await looked(story, timedelta(days=2))

    assert len(await office.book.entries(story.state.id)) == before
    assert office.called == []


WATCHED = timedelta(minutes=5)
HELD = {"health": Verdict.OK, "probes": 60, "failures": 0}


def seen(story: Teller, age: timedelta = timedelta(), **api: Any) -> Observed[ObservedRecord]:
    """The observer's record of the api at the end of the watch; it runs what it was given."""
    at = story.now + WATCHED
    given = {"running": world.running("api", "v1.2.3")} | HELD | api
    one = ObservedService.model_validate({"service": "api", **given})
    return Observed(ObservedRecord(at=at, services=(one,)), at, age)


@pytest.mark.parametrize(
    ("api", "verdict", "key"),
    [
        ({}, Verdict.OK, "watch.ok"),
        ({"failures": 2}, Verdict.BAD, "watch.bad"),
        ({"failures": 2, "since_at": succeeded().now}, Verdict.OK, "watch.ok"),
        ({"health": Verdict.BAD, "running": None}, Verdict.BAD, "watch.bad"),
        ({"health": Verdict.UNKNOWN, "probes": 0}, Verdict.UNKNOWN, "watch.unknown"),
        ({"running": world.running("api", "v1.3.1")}, Verdict.UNKNOWN, "watch.replaced"),
        ({"age": timedelta(minutes=2)}, Verdict.UNKNOWN, "watch.no_observer"),
    ],
)
def test_what_the_watch_says(api: dict[str, Any], verdict: Verdict, key: str) -> None:
    """Well all the time, failures since, never measured, another release, nobody to ask."""
    story = succeeded()

    found, figure = watched(story.state, seen(story, **api))

    assert (found, figure and figure.key) == (verdict, key)
    assert watched(story.state, None)[0] is Verdict.UNKNOWN


@pytest.mark.parametrize(("failures", "verdict"), [(0, Verdict.OK), (3, Verdict.BAD)])
async def test_the_watch_ends_with_what_was_seen(failures: int, verdict: Verdict) -> None:
    """Five minutes after the proof it is closed, not a second earlier, and follow-ups are told."""
    story = succeeded()
    record = seen(story, failures=failures)

    early = await looked(story, WATCHED - timedelta(seconds=1), record)
    office = await looked(story, WATCHED, record)

    unclosed = [x.event for x in await early.book.entries(story.state.id)]
    assert not any(isinstance(event, e.Closed) for event in unclosed)
    events = [x.event for x in await office.book.entries(story.state.id)]
    (end,) = (event for event in events if isinstance(event, e.Closed))
    assert end.verdict is verdict
    story.tell(end)
    (follow_ups,) = (w for w in channel(story) if w.key.startswith("follow-ups:"))
    assert follow_ups.under.startswith("card:")
    assert bool(called_for(story)) == (verdict is Verdict.BAD)


def test_a_bad_watch_rings_once_and_says_who_took_note() -> None:
    """A new message, no green, undo and take note; then who did, and at last what became of it."""
    story = closed_badly()
    (message,) = called_for(story)
    card = message.card()

    assert card.tone is Tone.WARNING
    assert [b.action for b in card.buttons] == ["undo", "tick"]
    assert message.live
    noted = decide_confirm(story)
    story.tell(*noted, after_s=20)
    (again,) = called_for(story)
    assert again.key == message.key
    assert [b.action for b in again.card().buttons] == ["undo"]
    assert "Принято к сведению: Анна Соколова" in "".join(lines(again.card()))
    posted = MessageRef(platform="slack", channel=HOME.channel, message_id="1")
    story.tell(e.Posted(key=message.key, message=posted), e.UndoStarted(people=("anna",)))
    (after,) = called_for(story)
    assert (after.key, after.card().buttons) == (message.key, ())


def decide_confirm(story: Teller) -> list[e.RollbackEvent]:
    """What anna's press of the second button writes."""
    (message,) = called_for(story)
    spoken, _ = press(message.card().buttons[1].value)
    assert isinstance(spoken, Tick)
    actor = Actor(person="anna", identity=story.identity("anna"))
    case = Case(environment=EnvironmentState(name="production"), rollback=story.state)
    decision = confirm(case, Confirm(actor, spoken.point, spoken.done), story.runbook, story.now)
    return list(decision.rollback)


def channel(story: Teller) -> list[Wanted]:
    """Everything that should stand in the incident channel."""
    return list(wanted(View(story.state, story.runbook, "ru", story.now), "slack", (HOME,)))


def called_for(story: Teller) -> list[Wanted]:
    """What it says of a watch that went badly."""
    return [w for w in channel(story) if w.key.startswith(WATCH)]
