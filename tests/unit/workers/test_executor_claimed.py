"""Numbers that begin anew: what an earlier rollback of that number kept is nobody's to take."""

from __future__ import annotations

import pytest

from commands.domain import events as e
from commands.domain.errors import DiskFullError
from commands.domain.request import Request
from commands.domain.state import Status
from tests.fakes.database import FakeContent
from tests.unit.workers.database_office import DOWN, RESTORE, DatabaseOffice, named
from tests.unit.workers.office import EGOR, IVAN

EARLIER = FakeContent(counts={"users": 7})


@pytest.mark.parametrize("asked", [DOWN, RESTORE], ids=["downgrade", "restore"])
@pytest.mark.parametrize("what", ["before", "after", "restored"])
def test_a_kept_database_of_an_earlier_rb_1_is_not_touched(asked: Request, what: str) -> None:
    """Journal and mirror were lost: the plan is refused with its name, and it stays whole."""
    office = DatabaseOffice()
    name = named("RB-1", what)
    office.place.server.databases[name] = EARLIER

    state = office.drive(office.ask(asked))

    assert state.status is Status.REFUSED
    assert state.reason is not None
    assert (state.reason.key, state.reason.params["names"]) == ("refused.names_claimed", (name,))
    assert office.place.server.databases[name] == EARLIER


def test_ones_own_copies_are_no_hindrance_to_a_new_plan() -> None:
    """What is there when a changed plan is made anew was made by this very rollback."""
    office = DatabaseOffice()
    rollback = office.prepared()
    office.place.server.databases[named("RB-1", "restored")] = EARLIER
    office.write(rollback, e.PlanChanged(old_digest="a", new_digest="b", changes=()))

    assert office.drive(rollback).status is Status.PLANNED


def test_a_step_on_a_persons_word_makes_no_copy() -> None:
    """Done, people said of a clone that no disk had room for: the migration does not begin."""
    office = DatabaseOffice()
    rollback = office.prepared()
    office.place.server.fails["clone"] = DiskFullError(database="samokoder")
    office.approve(rollback, EGOR, IVAN)
    assert office.drive(rollback).status is Status.FAILED
    office.recover(rollback, "mark_done", EGOR)
    office.approve(rollback, IVAN)

    state = office.drive(rollback)

    assert state.status is Status.FAILED
    blocked = state.blocked()
    assert blocked is not None
    assert blocked.action.kind == "migrate_schema"
    assert office.place.tool.runs.count("samokoder") == 0
