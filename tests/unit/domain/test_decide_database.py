"""The database row: two roles, a rehearsal that may be skipped, a kept database let go."""

from __future__ import annotations

import pytest

from commands.domain import command as c
from commands.domain import events as e
from commands.domain.errors import RefusedError
from commands.domain.keeping import kept_databases, undo_loss
from commands.domain.people import Scenario
from commands.domain.plan import Phase, RehearseMigration
from commands.domain.state import Status, StepStatus
from commands.domain.text import text
from tests.fakes.database_plans import database_plan, database_request
from tests.unit.domain.office import ANNA, DARYA, EGOR, GLEB, HOME, IVAN, VERA, Office

KEPT, ASIDE = "samokoder_before_RB_1", "samokoder_after_RB_1"


def asked(office: Office, by: str = ANNA, scenario: Scenario = Scenario.DATABASE) -> str:
    return office.ask(by, scenario)


def succeeded(office: Office, scenario: Scenario = Scenario.DATABASE) -> str:
    rollback = asked(office, scenario=scenario)
    office.run(rollback, Phase.PREPARE)
    office.approve(rollback, GLEB)
    office.approve(rollback, VERA)
    started = e.ExecutionStarted(
        plan_digest=office.state(rollback).plan_digest, evidence_digest="", approvers=(GLEB, VERA)
    )
    office.append(rollback, started, environment=(e.SlotTaken(rollback_id=rollback),))
    office.run(rollback, Phase.EXECUTE, Phase.VERIFY)
    over = (
        e.SlotReleased(rollback_id=rollback),
        e.RollbackClosed(rollback_id=rollback, outcome="succeeded"),
    )
    office.append(rollback, e.Succeeded(proof=()), environment=over)
    return rollback


def refusal(office: Office, command: c.Command, rollback: str) -> str:
    with pytest.raises(RefusedError) as caught:
        office.order(command, rollback)
    return caught.value.key


def undo(office: Office, rollback: str) -> None:
    """Asked by on-call, approved by both roles."""
    office.order(c.Recover(office.actor(ANNA), "undo"), rollback)
    office.approve(rollback, GLEB)
    office.approve(rollback, VERA)


def drop_kept(office: Office, rollback: str) -> None:
    office.order(c.Recover(office.actor(ANNA), "drop_kept"), rollback)
    office.approve(rollback, GLEB)
    office.approve(rollback, VERA)


def test_one_of_two_roles_waits_for_the_other() -> None:
    """The database team alone does not start it: the DevOps lead is named as missing."""
    office = Office()
    rollback = asked(office)

    decision = office.approve(rollback, GLEB)

    assert decision.answer.params["roles"] == ("Руководитель DevOps",)
    question = office.state(rollback).question
    assert question is not None
    assert (office.state(rollback).status, question.missing) == (Status.PLANNED, ("devops_lead",))


def test_two_of_one_role_are_not_two_roles() -> None:
    """Gleb and Darya are both of the database team: they fill one slot."""
    office = Office()
    rollback = asked(office)
    office.approve(rollback, GLEB)

    office.approve(rollback, DARYA)

    assert office.state(rollback).status is Status.PLANNED


def test_who_asked_does_not_approve() -> None:
    """A requester of the database team needs a colleague's yes: the row has no self-approval."""
    office = Office()
    rollback = asked(office, by=GLEB)

    with pytest.raises(RefusedError) as caught:
        office.approve(rollback, GLEB)
    office.approve(rollback, DARYA)
    office.approve(rollback, VERA)

    assert caught.value.key == "refused.own_request"
    assert office.state(rollback).status is Status.APPROVED


def test_who_may_not_ask_is_told_who_may() -> None:
    """The DevOps lead approves the database row and does not ask in it."""
    office = Office()

    with pytest.raises(RefusedError) as caught:
        office.order(c.Ask(office.actor(VERA), database_request(), HOME))

    assert caught.value.key == "refused.may_not_ask"


@pytest.mark.parametrize("person", [GLEB, VERA])
def test_an_approver_skips_the_rehearsal(person: str) -> None:
    """Either role may; the step counts as done with their name, and the backup goes on."""
    office = Office()
    rollback = asked(office)

    office.order(c.SkipRehearsal(office.actor(person)), rollback)

    state = office.state(rollback)
    done = {type(s.action).__name__: state.record(s.number) for s in state.planned(Phase.PREPARE)}
    assert state.rehearsal_skipped_by == person
    assert done["RehearseMigration"].status is StepStatus.DONE
    assert done["RehearseMigration"].detail == text("db.rehearsal_skipped", person=person)
    assert done["TakeBackup"].status is StepStatus.PENDING
    pending = state.pending(Phase.PREPARE)
    assert pending is not None
    assert pending.number == 1


@pytest.mark.parametrize(("person", "key"), [(ANNA, "not_an_approver"), (IVAN, "not_an_approver")])
def test_nobody_else_skips_it(person: str, key: str) -> None:
    """Who asks, and the CTO, have no say in this row."""
    office = Office()
    rollback = asked(office)

    assert refusal(office, c.SkipRehearsal(office.actor(person)), rollback) == f"refused.{key}"


def test_who_asked_does_not_skip_either() -> None:
    """A requester who holds a role of the row does not waive the rehearsal of the own request."""
    office = Office()
    rollback = asked(office, by=GLEB)

    assert refusal(office, c.SkipRehearsal(office.actor(GLEB)), rollback) == "refused.own_request"


def test_a_rehearsal_that_is_over_is_not_skipped() -> None:
    """Its result stands on the card; there is nothing to waive."""
    office = Office()
    rollback = asked(office)
    office.run(rollback, Phase.PREPARE)

    command = c.SkipRehearsal(office.actor(GLEB))

    assert refusal(office, command, rollback) == "refused.rehearsal_over"


def test_an_old_button_does_not_skip_a_new_plans_rehearsal() -> None:
    """The button names the plan that was shown."""
    office = Office()
    rollback = asked(office)

    command = c.SkipRehearsal(office.actor(GLEB), nonce="0123456789ab")

    assert refusal(office, command, rollback) == "refused.plan_changed"


def test_a_failing_rehearsal_that_was_skipped_ends_nothing() -> None:
    """People went on without it: what it still says decides nothing, and no one is sent home."""
    office = Office()
    rollback = asked(office)
    step = next(
        s.number
        for s in office.state(rollback).planned(Phase.PREPARE)
        if isinstance(s.action, RehearseMigration)
    )
    office.append(rollback, e.StepIntended(step=step))
    office.order(c.SkipRehearsal(office.actor(GLEB)), rollback)

    office.append(rollback, e.StepFailed(step=step, seconds=9, error=text("error.engine")))

    assert office.state(rollback).status is Status.PLANNED
    assert office.state(rollback).record(step).status is StepStatus.DONE


def test_a_new_plan_is_rehearsed_again() -> None:
    """A skip holds for the plan it was given for."""
    office = Office()
    rollback = asked(office)
    office.order(c.SkipRehearsal(office.actor(GLEB)), rollback)

    office.append(rollback, e.PlanChanged(old_digest="a", new_digest="b"))
    office.plan(rollback)

    assert office.state(rollback).rehearsal_skipped_by is None


@pytest.mark.parametrize("scenario", [Scenario.DATABASE, Scenario.RESTORE])
def test_the_kept_database_goes_by_the_same_two_roles(scenario: Scenario) -> None:
    """After success it stays until both roles let it go; then there is nothing left to ask."""
    office = Office()
    rollback = succeeded(office, scenario)
    assert kept_databases(office.state(rollback)) == (KEPT,)

    drop_kept(office, rollback)
    assert office.state(rollback).drop_kept_by == (GLEB, VERA)
    office.append(rollback, e.KeptDropped(databases=(KEPT,)))

    assert kept_databases(office.state(rollback)) == ()
    again = c.Recover(office.actor(ANNA), "drop_kept")
    assert refusal(office, again, rollback) == "refused.kept_dropped"


def test_it_does_not_go_by_one_role() -> None:
    """One yes waits; typed `approve` does not say what it approves."""
    office = Office()
    rollback = succeeded(office)
    office.order(c.Recover(office.actor(ANNA), "drop_kept"), rollback)
    office.approve(rollback, GLEB)

    key = refusal(office, c.Approve(office.actor(VERA)), rollback)

    assert key == "refused.typed_recovery"
    assert office.state(rollback).drop_kept_by == ()


def test_what_could_not_be_dropped_may_be_asked_again() -> None:
    """A server that refuses leaves the database there, and people may try once more."""
    office = Office()
    rollback = succeeded(office)
    drop_kept(office, rollback)
    office.append(rollback, e.KeptDropped(failed=text("error.database_unavailable")))
    assert kept_databases(office.state(rollback)) == (KEPT,)

    drop_kept(office, rollback)

    assert office.state(rollback).drop_kept_by == (GLEB, VERA)


def test_nothing_is_let_go_before_the_end() -> None:
    """While it waits, runs or is half done, the kept database is the way back."""
    office = Office()
    rollback = asked(office)

    command = c.Recover(office.actor(ANNA), "drop_kept")

    assert refusal(office, command, rollback) == "refused.drop_kept_early"


def test_a_service_rollback_keeps_no_database() -> None:
    """Only a database rollback leaves one behind."""
    office = Office()
    rollback = office.ask(ANNA)
    office.approve(rollback, ANNA)
    office.start(rollback)
    office.succeed(rollback)

    command = c.Recover(office.actor(ANNA), "drop_kept")

    assert refusal(office, command, rollback) == "refused.nothing_kept"


def test_without_the_kept_database_there_is_no_undo() -> None:
    """Asked before or after: once letting it go is ordered, undo is refused with the reason."""
    office = Office()
    rollback = succeeded(office)
    drop_kept(office, rollback)

    command = c.Recover(office.actor(ANNA), "undo")

    assert refusal(office, command, rollback) == "refused.undo_kept_dropped"


def test_an_undo_swaps_and_leaves_what_was_written_since_aside() -> None:
    """It says so before, and afterwards the database put aside may be let go as well."""
    office = Office()
    rollback = succeeded(office)
    assert undo_loss(office.state(rollback)) == text("db.undo_leaves", database=ASIDE)

    undo(office, rollback)
    office.walk_back(rollback)
    assert kept_databases(office.state(rollback)) == (ASIDE,)
    drop_kept(office, rollback)

    assert office.state(rollback).drop_kept_by == (GLEB, VERA)


def test_an_undo_by_migrating_names_what_stays_lost() -> None:
    """Without a clone the columns come back empty: they are named before anybody agrees."""
    office = Office()
    rollback = office.order(c.Ask(office.actor(ANNA), database_request(), HOME)).rollback_id
    plan = database_plan(database_request(), way="dump")
    office.append(rollback, e.Planned(plan=plan, digest=plan.digest(), seconds=1))
    office.run(rollback, Phase.PREPARE, Phase.EXECUTE)

    said = undo_loss(office.state(rollback))

    assert said is not None
    assert said.key == "db.undo_stays_lost"
    assert said.params["lost"] == ("projects.description", "projects.archived_at")
    assert kept_databases(office.state(rollback)) == ()


def test_a_full_rollback_does_not_push_a_database_rollback_aside() -> None:
    """Half-way through a migration only its own way on or back fits: the slot stays held."""
    office = Office()
    rollback = asked(office)
    office.append(rollback, environment=(e.SlotTaken(rollback_id=rollback),))

    with pytest.raises(RefusedError) as caught:
        office.ask(EGOR, Scenario.FULL)

    assert caught.value.key == "refused.slot_held"
