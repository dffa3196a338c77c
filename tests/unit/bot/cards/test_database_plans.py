"""The planner's own plans of the database, shown from the question to the undo: sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from bot.cards import View
from bot.console.renderer import lines
from commands.domain import events as e
from commands.domain.database import Session
from commands.domain.facts import Facts
from commands.domain.people import Scenario
from commands.domain.plan import Phase
from commands.domain.request import Request
from commands.planner.plan import plan
from tests.cards.teller import Teller
from tests.cards.words import LANGUAGES, cards_of
from tests.unit.bot.cards.test_cards import RAW_KEY
from tests.unit.planner.world import service_facts
from tests.unit.planner.world_database import (
    RELEASES,
    back,
    backup,
    database,
    database_runbook,
    restore,
    with_database,
)

EVERY = ("api", "worker", "frontend")
STRANGER = Session(pid=71, user="ivanov", application="pgAdmin", client="10.0.0.7")


def full() -> Request:
    return restore().model_copy(
        update={
            "scenario": Scenario.FULL,
            "services": EVERY,
            "version": "v1.2.3",
            "restore_db": True,
        }
    )


def all_services() -> Facts:
    services = tuple(service_facts(name, releases=RELEASES) for name in EVERY)
    return with_database(database(written_since={"users": 2, "files": -3}), services=services)


CASES: dict[str, Callable[[], tuple[Request, Facts, bool]]] = {
    "clone": lambda: (back(), with_database(), True),
    "dump": lambda: (back(), with_database(database(server_free_bytes=2**20)), True),
    "no_page": lambda: (back(), with_database(database(sessions=(STRANGER,))), False),
    "restore": lambda: (restore(), with_database(database(backups=(backup(),))), True),
    "full": lambda: (full(), all_services(), True),
}


def planned(case: str) -> Teller:
    request, facts, page = CASES[case]()
    story = Teller().ask_for(request)
    return story.planned(plan(request, facts, database_runbook(maintenance=page)))


def walked(story: Teller) -> Iterator[Teller]:
    """The story at its stations: asked, prepared, every step of production, its end, undone."""
    yield story
    yield story.prepare()
    approvers = ("egor", "ivan") if story.state.request.row == "full" else ("gleb", "vera")
    yield story.approve(*approvers)
    story.start()
    while story.state.pending(Phase.EXECUTE, Phase.VERIFY):
        yield story.begin()
        step = story.next().number
        story.tell(e.StepDone(step=step, seconds=1.0))
    yield story.finish()
    yield story.recover("undo").approve(*approvers)
    story.tell(e.UndoStarted(people=approvers))
    yield story.walk_back(3)
    yield story.walk_back().tell(e.Undone())


@pytest.mark.parametrize("case", CASES)
def test_every_station_reads_as_sentences(case: str) -> None:
    """Steps, warnings, losses, what runs now: no message key, no hole, in both languages."""
    for story in walked(planned(case)):
        for language in LANGUAGES:
            view = View(story.state, story.runbook, language, story.now)
            for _, card in cards_of(view):
                told = "\n".join((card.plain, *lines(card), *(b.label for b in card.buttons)))
                assert not RAW_KEY.search(told), told
                assert not any(hole in told for hole in ("{", "}", "None")), told
