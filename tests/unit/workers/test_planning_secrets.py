"""A plan that its journal would mask is not made: what was approved would not be what is run."""

from __future__ import annotations

import pytest

from commands.domain.events import Planned
from commands.domain.state import Status
from tests.unit.planner.world import request
from tests.unit.steps.world import world
from tests.unit.workers.office import ANNA, Office

LITERAL = "samokoder-hunter22"


def with_check(literal: str) -> Office:
    """Somebody wrote this into the smoke test's command line."""
    smoke = {"title": {"ru": "Дым"}, "argv": ("./smoke-test.sh", "--as", literal)}
    return Office(world(smoke=(smoke,)))


@pytest.mark.parametrize("known_at", ["first", "gate"])
def test_a_secret_in_a_checks_command_line_is_refused(known_at: str) -> None:
    """By value, whenever this host learned it: refused with the place, nothing run, no loop."""
    office = with_check(LITERAL)
    rollback = office.ask()
    if known_at == "gate":
        office.drive(rollback)
        office.approve(rollback, ANNA)
    office.redactor.register(LITERAL)

    state = office.drive(rollback)

    assert state.status is Status.REFUSED
    assert state.reason is not None
    assert state.reason.key == "refused.secret_in_plan"
    assert state.reason.params["where"] == "environments.production.smoke[0].argv[2]"
    assert LITERAL not in str(state.reason)
    assert office.recreated == []
    assert not office.world.programs.run_so_far


def test_what_is_no_secret_is_planned_and_run_as_written() -> None:
    """The same words, known to nobody as a secret, reach the program unchanged."""
    office = with_check(LITERAL)
    rollback = office.done()

    assert office.state(rollback).status is Status.SUCCEEDED
    assert [c.argv[-1] for c in office.world.programs.run_so_far] == [LITERAL]
    assert any(isinstance(event, Planned) for event in office.events(rollback))


def test_a_reason_with_a_secret_hinders_nothing() -> None:
    """What people type is in no command line: it is masked, and the plan is made."""
    office = with_check("--fast")
    office.redactor.register(LITERAL)
    rollback = office.done(request(reason=f"leaked {LITERAL}"))

    state = office.state(rollback)
    assert state.status is Status.SUCCEEDED
    assert state.request.reason == "leaked ***"
