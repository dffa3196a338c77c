"""A rollback of the database from asking to letting go, by an executor that may be killed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from commands.domain import events as e
from commands.domain.database import Tie
from commands.domain.errors import DatabaseUnavailableError
from commands.domain.keeping import kept_databases
from commands.domain.people import Scenario
from commands.domain.plan import EvidenceItem
from commands.domain.state import RollbackState, Status
from commands.locale import say
from tests.fakes.database_plans import AFTER, BEFORE, NAME, database_request
from tests.unit.steps.database_world import NOW, OLDER, ROWS
from tests.unit.steps.world import NEW, OLD
from tests.unit.workers.database_office import DOWN, DatabaseOffice, named
from tests.unit.workers.office import EGOR, IVAN, Killed
from workers.outcomes import tell

FORWARD, BACK = 140, 82
"""How many points a walk has. Odd ones are before a call, even ones after it, and between the
call before and the next one nothing happens: the even ones are all there is to die at."""
LATE = {**NOW.counts, "users": 21}


def killed() -> None:
    raise Killed


def once_each(office: DatabaseOffice, rollback: str) -> bool:
    """Whether every step has one outcome in each direction, after an intent."""
    outcomes = [
        (event.step, event.direction)
        for event in office.events(rollback)
        if isinstance(event, e.StepDone | e.StepFailed | e.StepInDoubt)
    ]
    return len(outcomes) == len(set(outcomes))


def is_back_one_revision(office: DatabaseOffice, state: RollbackState) -> bool:
    place = office.place
    assert state.status is Status.SUCCEEDED, (state.reason, state.status)
    assert (place.content.revisions, place.content.shape) == (AFTER, OLDER)
    assert set(place.server.databases) == {NAME, named(state.id, "before")}
    assert place.server.databases[named(state.id, "before")] == NOW
    assert place.scratch.databases == {}
    assert office.world.versions() == {"api": OLD, "worker": OLD}
    assert not place.proxy.is_entered()
    return True


def test_the_database_goes_back_one_revision() -> None:
    """Two roles approve; backup, rehearsal, clone, migration, checks: proven and written down."""
    office = DatabaseOffice()
    state = office.carried_out()
    assert is_back_one_revision(office, state)
    assert {"schema", "integrity", "maintenance"} <= {item.what for item in state.proof}
    database = next(check for check in state.checks if check.check == "database")
    assert database.verdict.value == "ok"
    taken = [t.record for t in office.told() if isinstance(t, e.BackupTaken)]
    assert [record.proven_at is not None for record in taken] == [True]


def test_old_backups_go_once_a_rollback_has_ended() -> None:
    """By the folder's rule; what another open rollback asked for stays, and it is told."""
    office = DatabaseOffice()
    rollback = office.prepared()
    folder, server = office.place.backups, office.place.server
    needed, old = (f"{NAME}_2025010{day}T000000Z_RB-0.dump.zst" for day in (1, 2))
    for name in (needed, old):
        record = server.dump(NAME, f"/backups/{name}", 1)
        folder.note(record.model_copy(update={"taken_at": datetime(2025, 1, 1, tzinfo=UTC)}))
    office.ask(database_request(scenario=Scenario.RESTORE, version=OLD, backup=needed))
    office.approve(rollback, EGOR, IVAN)

    state = office.drive(rollback)

    left = {one.name for one in folder.listed(NAME)}
    assert needed in left
    assert old not in left
    told = [record.detail for record in state.steps.values() if record.detail]
    assert [said.params["n"] for said in told if said.key == "db.dropped_and_pruned"] == [1]


def test_what_a_step_waits_for_is_told_while_it_waits() -> None:
    """The card says so at once, and what came of it afterwards; nobody has to approve anew."""
    office = DatabaseOffice()
    rollback = office.prepared()
    office.approve(rollback, EGOR)
    waits, came = (EvidenceItem(name="turn", ok=ok) for ok in (None, True))
    for item in (waits, came):
        tell(office.worker().book, rollback, item)
        state = office.state(rollback)
        assert item in state.evidence.items
    assert "approvals_voided" not in office.kinds(rollback)


def test_the_points_are_all_there() -> None:
    """The walks have exactly as many points as the campaigns below strike."""
    office = DatabaseOffice()
    state = office.carried_out()
    assert office.points.passed == FORWARD
    office.undone(state.id)
    assert office.points.passed == FORWARD + BACK


@pytest.mark.parametrize("at", range(2, FORWARD + 1, 2))
def test_killed_at_any_point_forth(at: int) -> None:
    """Backup, proof, clone, migration, swap of services: taken up by the next, each once."""
    office = DatabaseOffice()
    rollback = office.ask(DOWN)
    struck, state = office.killed(rollback, at)
    if state.status is Status.PLANNED:
        office.approve(rollback, EGOR, IVAN)
        if not struck:
            struck, state = office.killed(rollback, at - office.points.passed)
        else:
            state = office.drive(rollback)
    assert struck
    assert is_back_one_revision(office, state)
    assert once_each(office, rollback)
    assert office.place.tool.runs.count(NAME) == 1


@pytest.mark.parametrize("then", ["in the copy's step", "just before the migration"])
@pytest.mark.parametrize("point", ["after drop", "after clone", "after mark_whole"])
def test_killed_while_a_copy_is_made_again(point: str, then: str) -> None:
    """Somebody wrote: half the new copy and all of it are made anew; the kept one has the row."""
    office = DatabaseOffice()
    rollback = office.prepared()
    office.approve(rollback, EGOR, IVAN)
    once, server, late = office.points.once, office.place.server, replace(NOW, counts=LATE)

    def writes() -> None:
        server.databases[NAME] = late
        once[point] = killed

    later = {"after append": writes}
    first = writes if then == "in the copy's step" else lambda: once.update(later)
    once["after mark_whole" if first is not writes else "after clone"] = first
    with pytest.raises(Killed):
        office.worker().drive(rollback)
    state = office.drive(rollback)
    assert state.status is Status.SUCCEEDED, state.reason
    assert server.databases[named(rollback, "before")] == late
    assert once_each(office, rollback)


@pytest.mark.parametrize("at", range(2, BACK + 1, 2))
def test_killed_at_any_point_back(at: int) -> None:
    """The undo is taken up too: the whole database, services and pins are as they were."""
    office = DatabaseOffice()
    state = office.carried_out()
    office.place.server.databases[NAME] = replace(office.place.content, counts={"users": 99})
    office.recover(state.id, "undo", EGOR)
    office.approve(state.id, IVAN)
    struck, state = office.killed(state.id, at)
    assert struck
    assert state.status is Status.UNDONE, state.reason
    assert office.place.content == NOW
    assert office.place.server.databases[named(state.id, "after")].counts == {"users": 99}
    assert office.world.versions() == {"api": NEW, "worker": NEW}
    assert not office.place.proxy.is_entered()
    assert [item.found for item in state.proof if item.what == "schema"] == list(BEFORE)


def test_half_a_migration_waits_for_people_and_is_undone() -> None:
    """Case 49: in doubt with the objects named, the page stays, the clone comes back."""
    office = DatabaseOffice()
    rollback = office.prepared()
    half = replace(NOW.shape, names={**NOW.shape.names, "index": frozenset()})
    office.place.tool.fails(change=lambda content, _: replace(content, shape=half))
    office.approve(rollback, EGOR, IVAN)
    state = office.drive(rollback)
    assert state.status is Status.IN_DOUBT
    assert state.reason is not None
    assert state.reason.params["objects"] == ("- index projects.ix_projects_archived",)
    assert office.place.proxy.is_entered()
    assert office.undone(rollback).status is Status.UNDONE
    assert office.place.content == NOW
    assert not office.place.proxy.is_entered()


def test_an_undo_of_a_clean_failure_drops_nothing_unasked() -> None:
    """Nothing is seen to have changed: the copy stays, is named, and goes when people say so."""
    office = DatabaseOffice()
    rollback = office.prepared()
    office.place.tool.fails()
    office.approve(rollback, EGOR, IVAN)
    assert office.drive(rollback).status is Status.FAILED
    assert kept_databases(office.undone(rollback)) == (named(rollback, "before"),)
    assert set(office.place.server.databases) == {NAME, named(rollback, "before")}
    office.recover(rollback, "drop_kept", EGOR)
    office.approve(rollback, IVAN)
    assert office.drive(rollback).kept_dropped
    assert list(office.place.server.databases) == [NAME]


def test_an_undo_of_a_migration_that_could_not_begin_names_what_is_there() -> None:
    """The step could not even look, and people may have done it by hand: the copy stays, too."""
    office = DatabaseOffice()
    rollback = office.prepared()
    office.approve(rollback, EGOR, IVAN)
    away = DatabaseUnavailableError(database=NAME, why="away")
    office.points.once["after clone"] = lambda: office.place.server.fails.update(revisions=away)
    assert office.drive(rollback).status is Status.FAILED
    office.place.server.fails.clear()
    assert kept_databases(office.undone(rollback)) == (named(rollback, "before"),)
    assert set(office.place.server.databases) == {NAME, named(rollback, "before")}


def test_a_rehearsal_left_out_leaves_the_backup_in() -> None:
    """An approver skips it while it is to be done again: the plan goes on, with the proof."""
    office = DatabaseOffice()
    office.place.tool.fails()
    rollback = office.ask(DOWN)
    office.points.once["before run"] = lambda: office.write(
        rollback, e.RehearsalSkipped(person=IVAN)
    )
    state = office.drive(rollback)
    assert state.status is Status.PLANNED
    assert "rehearsal" not in {item.name for item in state.evidence.items}
    assert {"backup", "backup_proof"} <= {item.name for item in state.evidence.items}
    assert "rollback_closed" not in [event.kind for event in office.told()]


def test_a_bad_backup_ends_it_before_anybody_is_asked_to_wait() -> None:
    """The environment is told, and nothing of production was touched."""
    office = DatabaseOffice()
    office.place.scratch.fails["restore"] = DatabaseUnavailableError(database="x", why="away")
    state = office.drive(office.ask(DOWN))
    assert state.status is Status.NOT_PREPARED
    assert office.place.content == NOW
    assert office.place.proxy.told == []


def test_a_kept_database_is_let_go_by_the_same_two_roles() -> None:
    """Only what carries this rollback's number; production's own stays, and that it is told."""
    office = DatabaseOffice()
    state = office.carried_out()
    office.recover(state.id, "drop_kept", EGOR)
    office.approve(state.id, IVAN)
    state = office.drive(state.id)
    assert state.kept_dropped
    assert list(office.place.server.databases) == [NAME]
    dropped = [x for x in office.events(state.id) if isinstance(x, e.KeptDropped)]
    assert dropped == [e.KeptDropped(databases=(named(state.id, "before"),))]


def test_letting_go_that_fails_can_be_asked_for_again() -> None:
    """The server was away: it says so, and nothing is gone."""
    office = DatabaseOffice()
    state = office.carried_out()
    office.place.server.fails["drop"] = DatabaseUnavailableError(database=NAME, why="away")
    office.recover(state.id, "drop_kept", EGOR)
    office.approve(state.id, IVAN)
    state = office.drive(state.id)
    assert (state.kept_dropped, state.drop_kept_by) == (False, ())
    assert state.drop_kept_failed is not None
    assert named(state.id, "before") in office.place.server.databases


def test_letting_go_needs_people_whom_this_host_knows() -> None:
    """A signed order by somebody without the role here drops nothing."""
    office = DatabaseOffice()
    state = office.carried_out()
    office.recover(state.id, "drop_kept", EGOR)
    office.approve(state.id, IVAN)
    office.without_role(IVAN)
    state = office.drive(state.id)
    assert not state.kept_dropped
    assert state.drop_kept_failed is not None
    assert state.drop_kept_failed.key == "step.not_entitled"


def test_nothing_is_dropped_that_somebody_may_call_production() -> None:
    """A runbook that names a kept database as an environment's own: it is left alone."""
    office = DatabaseOffice()
    state = office.carried_out()
    definition = office.workers.environments["production"]
    assert definition.database is not None
    other = definition.database.model_copy(update={"name": named(state.id, "before")})
    environments = {
        **office.workers.environments,
        "staging": definition.model_copy(update={"database": other}),
    }
    office.workers = office.workers.model_copy(update={"environments": environments})
    office.recover(state.id, "drop_kept", EGOR)
    office.approve(state.id, IVAN)
    state = office.drive(state.id)
    assert state.drop_kept_failed is not None
    assert state.drop_kept_failed.key == "db.keeps_name"
    assert office.place.content.counts == ROWS


def test_a_kept_database_that_replication_hangs_on_stays() -> None:
    """Dropping it would delete the slot too, without a word."""
    office = DatabaseOffice()
    state = office.carried_out()
    kept = named(state.id, "before")
    office.place.server.tied[kept] = (Tie(what="slot", name="cdc"),)
    office.recover(state.id, "drop_kept", EGOR)
    office.approve(state.id, IVAN)
    state = office.drive(state.id)
    assert state.drop_kept_failed is not None
    assert state.drop_kept_failed.key == "db.keeps_tied"
    assert "cdc" in say(state.drop_kept_failed, "en")
    assert kept in office.place.server.databases
