"""Whoever holds the journal's key can write every entry; the worker does only what is its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from commands.domain import command as c
from commands.domain import events as e
from commands.domain.errors import StateLostError
from commands.domain.plan import CommandLine, Phase, PinVersion, Plan, PullImage, RunCheck, Target
from commands.domain.state import RollbackState, Status, StepStatus
from commands.store.mirror import Mirror
from tests.fakes.witness import MemoryWitness
from tests.unit.steps.world import NEW, OLD
from tests.unit.workers.office import ANNA, Office

EVIL = CommandLine(argv=("/bin/sh", "-c", "true"))


def another_plan(state: RollbackState) -> Plan:
    """The same steps, and a program of somebody's own in the place of the switch."""
    assert state.plan is not None
    steps = tuple(
        step.model_copy(update={"action": RunCheck(name="evil", command=EVIL)})
        if step.phase is Phase.EXECUTE and not isinstance(step.action, PinVersion)
        else step
        for step in state.plan.steps
    )
    return state.plan.model_copy(update={"steps": steps})


def replaced(plan: Plan) -> tuple[e.RollbackEvent, ...]:
    """Entries that put this plan in the place of the one that runs, already begun."""
    planned = e.Planned(plan=plan, digest=plan.digest(), seconds=0.1)
    begun = e.ExecutionStarted(plan_digest=plan.digest(), evidence_digest="", approvers=(ANNA,))
    return planned, begun


def why(state: RollbackState) -> str:
    """The key of the reason that people read."""
    return state.reason.key if state.reason else ""


@pytest.mark.parametrize("moment", ["after write_pin", "before compose", "after compose"])
def test_a_plan_replaced_while_it_runs_is_not_gone_on_with(moment: str) -> None:
    """Whatever step it was at: no step of the other plan runs, it stops and says why."""
    office = Office()
    rollback = office.approved()
    evil = another_plan(office.state(rollback))
    office.points.once[moment] = lambda: office.write(rollback, *replaced(evil))

    state = office.drive(rollback)

    assert (state.status, why(state)) == (Status.STOPPED, "step.plan_not_ours")
    assert EVIL not in office.world.programs.run_so_far
    office.recover(rollback, "retry")
    assert office.drive(rollback).status is Status.STOPPED


def test_what_comes_right_behind_the_intent_is_looked_at_too() -> None:
    """Between the intent and the effect: the effect does not happen."""
    office = Office()
    rollback = office.approved()
    evil = another_plan(office.state(rollback))

    def once_intended() -> None:
        last = office.events(rollback)[-1]
        state = office.state(rollback)
        if isinstance(last, e.StepIntended) and state.planned(Phase.EXECUTE)[0].number == last.step:
            office.write(rollback, *replaced(evil))
        else:
            office.points.once["after append"] = once_intended

    office.points.once["after append"] = once_intended
    pins = dict(office.world.files.files)

    state = office.drive(rollback)

    assert (state.status, why(state)) == (Status.STOPPED, "step.plan_not_ours")
    assert office.world.files.files == pins


def test_it_can_be_left_as_it_is() -> None:
    """Stopped so, people give the slot back, and a new rollback runs with a plan of the host's."""
    office = Office()
    rollback = office.approved()
    evil = another_plan(office.state(rollback))
    office.points.once["after write_pin"] = lambda: office.write(rollback, *replaced(evil))
    office.drive(rollback)

    office.recover(rollback, "abandon")
    assert office.drive(rollback).status is Status.CANCELLED

    assert office.state(office.done()).status is Status.SUCCEEDED
    assert office.world.versions() == {"api": OLD}


def test_a_start_that_this_host_did_not_make_starts_nothing() -> None:
    """The host's own plan, declared begun by somebody else: no approval, no gate, no step."""
    office = Office()
    rollback = office.ask()
    planned = office.drive(rollback)
    begun = e.ExecutionStarted(
        plan_digest=planned.plan_digest, evidence_digest="", approvers=(ANNA,)
    )
    office.write(rollback, begun)

    state = office.drive(rollback)

    assert (state.status, why(state)) == (Status.STOPPED, "step.start_not_ours")
    assert office.recreated == []


def test_what_prepare_does_is_the_hosts_own_plan_too() -> None:
    """Another image to pull, slipped in before anybody is asked: planned anew, not pulled."""
    office = Office()
    rollback = office.ask()
    honest = office.drive(rollback)
    assert honest.plan is not None
    steps = tuple(
        step.model_copy(update={"action": PullImage(target=_elsewhere(step.action.target))})
        if isinstance(step.action, PullImage)
        else step
        for step in honest.plan.steps
    )
    evil = honest.plan.model_copy(update={"steps": steps})
    office.write(rollback, e.Planned(plan=evil, digest=evil.digest(), seconds=0.1))

    state = office.drive(rollback)

    assert state.status is Status.PLANNED
    assert state.plan_digest == honest.plan_digest
    assert [change.key for change in state.plan_changes] == ["step.plan_not_ours"]
    assert not office.world.engine.here.get("registry.evil/api:v1.2.3")


def _elsewhere(target: Target) -> Target:
    return target.model_copy(update={"repository": "registry.evil/api"})


def test_an_undo_goes_back_only_to_what_the_host_saw() -> None:
    """A former state of somebody's own, under the honest plan and an honest undo: it stops."""
    office = Office()
    rollback = office.done()
    honest = office.state(rollback)
    assert honest.plan is not None
    office.recreated.clear()
    touched = [n for n, record in honest.steps.items() if record.before]
    events: list[e.RollbackEvent] = [*replaced(honest.plan)]
    for number in touched:
        before = dict.fromkeys(honest.record(number).before, "v6.6.6")
        events += [
            e.StepIntended(step=number, before=before),
            e.StepDone(step=number, seconds=0.1),
        ]
    office.write(rollback, *events, e.Succeeded(proof=()))
    office.recover(rollback, "undo")

    state = office.drive(rollback)

    assert (state.status, why(state)) == (Status.STOPPED, "step.before_not_ours")
    assert office.recreated == []
    assert office.world.versions() == {"api": OLD}


def test_an_honest_undo_goes_back() -> None:
    """Stopped by its worker's end and taken up by another: what this host saw is recognised."""
    office = Office()
    rollback = office.approved()
    office.points.once["before compose"] = lambda: setattr(office, "stopping", True)
    office.drive(rollback)
    office.stopping = False
    assert office.drive(rollback).status is Status.SUCCEEDED

    office.recover(rollback, "undo")

    assert office.drive(rollback).status is Status.UNDONE
    assert office.world.versions() == {"api": NEW}


def test_a_clean_up_of_another_plan_is_not_run() -> None:
    """After the end too: it fails, with the reason, and removes nothing."""
    office = Office()
    rollback = office.done()
    done = office.state(rollback)
    office.write(rollback, *replaced(another_plan(done)), e.Succeeded(proof=()))
    here = dict(office.world.engine.here)

    state = office.drive(rollback)

    (cleaning,) = state.planned(Phase.CLEAN_UP)
    record = state.record(cleaning.number)
    assert record.status is StepStatus.FAILED
    assert record.error is not None
    assert record.error.key == "step.plan_not_ours"
    assert office.world.engine.here == here


def test_a_journal_cut_back_to_what_a_process_knows_is_refused(tmp_path: Path) -> None:
    """Nothing new to read is no proof: another process of this host has seen more."""
    office = Office()
    rollback = office.ask()
    worker, other = office.worker(), office.worker()
    for one in (worker, other):
        one.book.mirror = Mirror(tmp_path, "production")
    worker.drive(rollback)
    known = len(office.streams.entries[rollback])
    office.order(c.Cancel(office.actor(ANNA)), rollback)
    other.drive(rollback)
    del office.streams.entries[rollback][known:]

    with pytest.raises(StateLostError):
        worker.drive(rollback)


def test_a_host_that_forgot_goes_on_with_nothing() -> None:
    """Its notes lost in the middle of a run, it cannot vouch for the rest: people decide."""
    office = Office()
    rollback = office.approved()
    office.points.once["after write_pin"] = lambda: setattr(office, "stopping", True)
    office.drive(rollback)
    office.stopping, office.witness = False, MemoryWitness()

    state = office.drive(rollback)

    assert (state.status, why(state)) == (Status.STOPPED, "step.plan_not_ours")
    assert office.recreated == []
