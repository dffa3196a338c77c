"""What an ended rollback still asks people, or owes them, is looked after by the clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import cast

from bot.clock import Deadlines
from commands.domain import events as e
from commands.domain.plan import Phase
from commands.domain.proof import Verdict
from commands.handlers import Service
from commands.store.book import AsyncBook
from tests.cards.stories_database import drop_kept_asked
from tests.cards.teller import Teller
from tests.fakes.clock import FixedClock
from tests.unit.bot.test_relay import told


@dataclass(frozen=True, slots=True)
class Office:
    """As much of a `Service` as the clock asks for; nobody works, nobody observes."""

    book: AsyncBook
    called: list[str] = field(default_factory=list)

    async def observed(self) -> None:
        """No observer has made a record."""

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


async def looked(story: Teller, later: timedelta) -> Office:
    """One look of the clock, so much later."""
    office = Office((await told(story)).book)
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
