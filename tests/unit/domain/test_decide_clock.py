"""What people are told when nobody works on their rollback, and when somebody does again."""

from __future__ import annotations

import pytest

from commands.domain import command as c
from commands.domain import events as e
from commands.domain.events import Event
from commands.domain.people import Scenario
from commands.domain.text import Text, text
from tests.unit.domain.office import ANNA, Office

STOPPED = text("status.worker_stopped", pid="4711", host="samokoder-1")
GONE = c.Tick(worker_alive=False)
STANDS = c.Tick(job_stopped=STOPPED)
WORKS = c.Tick()


@pytest.mark.parametrize(
    ("looks", "said"),
    [
        ([WORKS, WORKS], []),
        ([GONE, GONE], [None]),
        ([STANDS, STANDS], [STOPPED]),
        ([GONE, STANDS, GONE], [None, STOPPED, None]),
        ([GONE, WORKS, STANDS, WORKS, WORKS], [None, "back", STOPPED, "back"]),
    ],
)
def test_people_are_told_once_of_each_change(
    looks: list[c.Tick], said: list[Text | str | None]
) -> None:
    """Nobody lives, or the one who works was stopped, or somebody goes on: each is said once."""
    office = Office()
    rollback = office.ask(ANNA, Scenario.SERVICE)
    office.approve(rollback, ANNA)
    office.start(rollback)
    before = len(office.said[rollback])

    for look in looks:
        office.order(look, rollback)

    told = [_of(event) for event in office.said[rollback][before:]]
    assert told == said
    assert office.state(rollback).worker_lost_why == (STOPPED if said[-1:] == [STOPPED] else None)


def _of(event: Event) -> Text | str | None:
    if isinstance(event, e.WorkerBack):
        return "back"
    assert isinstance(event, e.WorkerLost)
    return event.why
