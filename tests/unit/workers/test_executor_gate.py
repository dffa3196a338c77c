"""Before anything changes the worker judges for itself: approvals, plan, slot."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import pytest

from commands.domain import command as c
from commands.domain import events as e
from commands.domain.errors import (
    ConfigFileError,
    RefusedError,
    StateLostError,
    TamperedJournalError,
)
from commands.domain.people import Scenario
from commands.domain.plan import CommandLine, SwitchRelease
from commands.domain.state import Status
from commands.store.mirror import Mirror
from tests.unit.planner.world import request
from tests.unit.steps.world import NEW, OLD, released, world
from tests.unit.workers.office import ANNA, API, DORA, EGOR, FEDOR, IVAN, ZOYA, Office, identity

SERVICES = ("api", "worker", "frontend")
FULL = request(*SERVICES, scenario=Scenario.FULL)


def disk_full() -> NoReturn:
    raise ConfigFileError(path=".env", why="disk full")


def begun(office: Office, rollback: str) -> bool:
    return any(isinstance(event, e.ExecutionStarted) for event in office.events(rollback))


def test_a_role_taken_away_after_approving_asks_again() -> None:
    """Case 19: the worker's own runbook decides; the approval is void, and another one counts."""
    office = Office()
    rollback = office.approved()
    office.without_role(ANNA)

    assert office.drive(rollback).status is Status.PLANNED
    assert not begun(office, rollback)
    office.approve(rollback, DORA)

    assert office.drive(rollback).status is Status.SUCCEEDED


def test_one_approval_too_many_may_be_taken_back() -> None:
    """Three approved what needs two; without the third it still goes on."""
    office = Office(world(*SERVICES))
    rollback = office.ask(FULL)
    office.drive(rollback)
    office.approve(rollback, EGOR, FEDOR, IVAN)

    office.order(c.Withdraw(office.actor(FEDOR)), rollback)

    assert office.drive(rollback).status is Status.SUCCEEDED
    assert set(office.state(rollback).approvers) == {EGOR, IVAN}


def test_a_row_that_the_workers_runbook_lacks_lets_nothing_begin() -> None:
    """No row means refused, on the worker's host too."""
    office = Office()
    rollback = office.approved()
    office.workers = office.workers.model_copy(update={"escalation": {}})

    assert office.drive(rollback).status is Status.PLANNED
    assert not begun(office, rollback)


@pytest.mark.parametrize(
    ("person", "account", "digest"),
    [
        (ZOYA, ZOYA, ""),
        (ANNA, ZOYA, ""),
        (ANNA, ANNA, "0" * 64),
        ("nobody", ANNA, ""),
    ],
)
def test_a_forged_approval_is_not_honoured(person: str, account: str, digest: str) -> None:
    """Without the role, by another's account, for another plan, by nobody: nothing begins."""
    office = Office()
    rollback = office.ask()
    plan = office.drive(rollback).plan_digest
    forged = e.Approved(
        person=person,
        identity=identity(account),
        roles=("oncall",),
        digest=digest or plan,
        evidence_digest="",
    )
    office.write(rollback, forged)
    assert office.state(rollback).status is Status.APPROVED

    assert office.drive(rollback).status is Status.PLANNED
    assert not begun(office, rollback)
    assert office.recreated == []


def test_a_forged_plan_is_not_carried_out() -> None:
    """An authentic entry with commands of somebody's own, under an honest digest: plan changed."""
    office = Office()
    rollback = office.ask()
    honest = office.drive(rollback)
    assert honest.plan is not None
    assert honest.question is not None
    evil = CommandLine(argv=("/bin/sh", "-c", "true"))
    steps = tuple(
        step.model_copy(update={"action": step.action.model_copy(update={"command": evil})})
        if isinstance(step.action, SwitchRelease)
        else step
        for step in honest.plan.steps
    )
    digest, asked = honest.plan_digest, honest.question
    forged = honest.plan.model_copy(update={"steps": steps})
    again = e.Asked(
        verb="execute",
        row=asked.row,
        roles=asked.roles,
        self_approval=asked.self_approval,
        by=asked.by,
        digest=digest,
        expires_at=asked.expires_at,
    )
    office.write(rollback, e.Planned(plan=forged, digest=digest, seconds=0.1), again)
    office.approve(rollback, ANNA)

    assert office.drive(rollback).status is Status.PLANNED
    assert not begun(office, rollback)
    assert office.recreated == []


@pytest.mark.parametrize("forged", [e.UndoStarted(people=(ANNA,)), None])
def test_a_recovery_is_not_honoured_without_its_row(forged: e.UndoStarted | None) -> None:
    """An undo that nobody was asked for, or whose approver is gone at the worker: it stops."""
    office = Office()
    rollback = office.done()
    office.recreated.clear()
    if forged:
        office.write(rollback, forged)
    else:
        office.recover(rollback, "undo")
        office.without_role(ANNA)

    assert office.drive(rollback).status is Status.STOPPED
    assert office.recreated == []
    assert office.state(rollback).reason is not None
    office.recover(rollback, "retry", by=DORA)

    assert office.drive(rollback).status is Status.UNDONE
    assert office.world.versions() == {"api": NEW}


def test_a_tag_that_was_pushed_again_needs_a_new_yes() -> None:
    """Case 17: another digest than the approved one: plan changed, no step, ask again."""
    office = Office()
    rollback = office.approved()
    engine = office.world.engine
    newer = type(released("api", OLD)).of(released("api", OLD).repository, OLD, "pushed again")
    engine.publish(newer)
    engine.here.pop(f"{newer.repository}:{OLD}")

    state = office.drive(rollback)

    assert not begun(office, rollback)
    assert state.status is Status.PLANNED
    assert state.plan_changes
    assert state.question is not None
    assert not state.question.approvals


def test_a_deploy_after_approval_needs_a_new_yes() -> None:
    """What runs is another than what people saw on the card."""
    office = Office()
    rollback = office.approved()
    office.world.engine.publish(released("api", "v1.3.1"))
    office.world.engine.deployed("api", "v1.3.1")
    office.recreated.clear()

    assert office.drive(rollback).status is Status.PLANNED
    assert not begun(office, rollback)
    assert office.recreated == []


def test_whoever_begins_second_is_told_who_holds_the_slot() -> None:
    """Two approved at once: one begins, the other ends and never starts unasked (case 33)."""
    office = Office(world(*SERVICES))
    first, second = office.approved(API), office.approved(request("worker"))
    office.points.once["before write_pin"] = disk_full
    assert office.drive(first).status is Status.FAILED

    state = office.drive(second)

    assert state.status is Status.CANCELLED
    assert state.reason is not None
    assert state.reason.params["id"] == first
    office.recover(first, "retry")
    office.drive(first)
    assert office.drive(second).status is Status.CANCELLED
    assert office.recreated == [f"api {OLD}"]


def test_an_older_rollback_is_not_undone_under_a_newer_one() -> None:
    """The undo was asked for first, and answered when a newer rollback had changed the same."""
    office = Office(world(*SERVICES))
    office.allow_self_approval(False)
    older = office.ask(FULL)
    office.drive(older)
    office.approve(older, EGOR, IVAN)
    office.drive(older)
    office.recover(older, "undo")
    newer = office.ask(request(version=NEW))
    office.drive(newer)
    office.approve(newer, DORA)
    assert office.drive(newer).status is Status.SUCCEEDED
    office.approve(older, EGOR)

    with pytest.raises(RefusedError) as refused:
        office.approve(older, IVAN)

    assert refused.value.key == "refused.undo_not_latest"
    assert office.drive(older).status is Status.SUCCEEDED


def test_a_dry_run_changes_nothing() -> None:
    """It plans, says so, and ends: no pull, no switch, no slot, nobody asked."""
    office = Office()
    engine, files = office.world.engine, office.world.files
    before = (dict(engine.here), dict(engine.project), dict(files.files))

    state = office.drive(office.ask(request(dry_run=True)))

    assert state.status is Status.REHEARSED
    assert state.plan is not None
    assert state.question is None
    assert (engine.here, engine.project, files.files) == before


def test_what_cannot_be_planned_is_refused_with_the_reason() -> None:
    """An unknown version: final, said why, and the environment is told."""
    office = Office()

    state = office.drive(office.ask(request(version="v9.9.9")))

    assert state.status is Status.REFUSED
    assert state.reason is not None
    assert not office.book().environment().open


def test_an_emptied_journal_stops_the_worker(tmp_path: Path) -> None:
    """Case 37: the mirror remembers; the same number in a fresh Redis is not executed."""
    office = Office()
    mirror = Mirror(tmp_path, "production")
    first = office.done()
    worker = office.worker()
    worker.book.mirror = mirror
    worker.drive(first)
    office.streams.entries.clear()
    again = office.ask()
    assert again == first

    fresh = office.worker()
    fresh.book.mirror = Mirror(tmp_path, "production")
    with pytest.raises((StateLostError, TamperedJournalError)):
        fresh.drive(again)

    assert office.state(again).status is Status.REQUESTED
