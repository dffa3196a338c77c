"""What people say and press about the database, on the desk and a real Redis."""

from __future__ import annotations

from datetime import timedelta

from pydantic import TypeAdapter

from commands.domain import events as e
from commands.domain.keeping import kept_databases
from commands.domain.observed import ObservedDatabase, ObservedRecord
from commands.domain.plan import Phase, RehearseMigration
from commands.domain.state import Status, StepStatus
from commands.store.records import RecordCodec, Records
from tests.cards.answers import backup, graph
from tests.fakes.database_plans import BEFORE, NAME
from tests.faults.bureau import Bureau
from tests.faults.database_row import carried_out, planned_database, with_database_row
from tests.unit.workers.office import ANNA, DORA, EGOR, IVAN, ZOYA


def observed(office: Bureau, *backups: e.BackupTaken) -> None:
    """The observer read the database and its folder a minute ago."""
    at = office.hall.world.clock.now() - timedelta(minutes=1)
    listed = tuple(taken.record for taken in backups)
    seen = ObservedDatabase(at=at, name=NAME, revisions=BEFORE, graph=graph(), backups=listed)
    codec = RecordCodec(TypeAdapter(ObservedRecord), office.hall.access.codec())
    Records(office.hall.client, codec).put(ObservedRecord(at=at, database=seen), at)


async def shown(office: Bureau, words: str) -> str:
    """The whole answer to words, as plain text of its blocks."""
    incoming = office.incoming(ANNA, words)
    await office.hand_in(incoming)
    cards = [card for to, card in office.chat.whispers if to.delivery_id == incoming.delivery_id]
    return f"{cards[-1].headline} {cards[-1].blocks} {cards[-1].footer}"


async def test_versions_db_says_what_the_observer_read_and_when(office: Bureau) -> None:
    """The revision, the ones before it with their titles, and how old the knowledge is."""
    with_database_row(office)
    before = await shown(office, "versions db")
    observed(office)

    said = await shown(office, "versions db")

    assert "rollbot observer" in before
    assert "8c1f0b7a9d42" in said
    assert "users: last_login" in said
    assert "1 мин" in said


async def test_backups_are_listed_from_the_folder_else_from_the_journal(office: Bureau) -> None:
    """Before the observer has read the folder, what the journal remembers is shown, and said so."""
    with_database_row(office)
    taken = e.BackupTaken(record=backup(2.1, "pre-deploy"))
    office.hall.book().note(lambda _: (taken,))
    remembered = await shown(office, "backups")
    observed(office, e.BackupTaken(record=backup(26, "hand", proven_at=None)))

    said = await shown(office, "backups")

    assert "pre-deploy" in remembered
    assert "По журналу" in remembered
    assert "hand" in said
    assert "не проверена" in said
    assert "pre-deploy" not in said


async def test_a_backup_taken_since_the_folder_was_read_is_listed(office: Bureau) -> None:
    """An observer that saw an empty folder a minute ago hides no backup that is there now."""
    with_database_row(office)
    now = office.hall.world.clock.now()
    fresh = backup(26, "RB-7").model_copy(update={"taken_at": now, "proven_at": now})
    office.hall.book().note(lambda _: (e.BackupTaken(record=fresh),))
    observed(office)

    assert "RB-7" in await shown(office, "backups")


async def test_a_pressed_skip_is_the_approvers_decision(office: Bureau) -> None:
    """Who asks is refused and written down; an approver's press names the plan and counts."""
    with_database_row(office)
    rollback = await planned_database(office)
    digest = office.hall.state(rollback).plan_digest[:12]

    await office.press(ANNA, "skip", rollback, digest)
    await office.press(EGOR, "skip", rollback, "0123456789ab")
    assert office.hall.state(rollback).rehearsal_skipped_by is None
    await office.press(EGOR, "skip", rollback, digest)

    state = office.hall.state(rollback)
    step = next(s for s in state.planned(Phase.PREPARE) if isinstance(s.action, RehearseMigration))
    assert state.rehearsal_skipped_by == EGOR
    assert state.record(step.number).status is StepStatus.DONE
    refused = [x.reason.key for x in office.refusals()]
    assert refused == ["refused.not_an_approver", "refused.plan_changed"]


async def test_a_typed_skip_keeps_its_reason(office: Bureau) -> None:
    """Words say why, and the journal keeps it."""
    with_database_row(office)
    rollback = await planned_database(office)

    await office.say(IVAN, f"skip-rehearsal {rollback} копия восстанавливается час")

    assert office.hall.state(rollback).rehearsal_skipped_why == "копия восстанавливается час"


async def test_the_kept_database_goes_by_both_roles_and_undo_is_refused_after(
    office: Bureau,
) -> None:
    """Words ask, buttons answer, one worker's order follows; nobody else has a say."""
    with_database_row(office)
    rollback = await planned_database(office)
    await office.press(EGOR, "approve", rollback)
    await office.press(IVAN, "approve", rollback)
    carried_out(office, rollback)
    assert kept_databases(office.hall.state(rollback)) == ("samokoder_before_RB_1",)

    await office.say(ZOYA, f"drop-kept {rollback}")
    await office.say(DORA, f"drop-kept {rollback}")
    await office.press(DORA, "approve", rollback)
    await office.press(EGOR, "approve", rollback)
    assert office.hall.state(rollback).drop_kept_by == ()
    await office.press(IVAN, "approve", rollback)
    answer = await office.say(ANNA, f"undo {rollback}")

    state = office.hall.state(rollback)
    assert (set(state.drop_kept_by), state.status) == ({EGOR, IVAN}, Status.SUCCEEDED)
    assert "restore latest" in answer
    assert [x.reason.key for x in office.refusals()] == [
        "refused.not_an_approver",
        "refused.own_request",
        "refused.undo_kept_dropped",
    ]


async def test_a_restore_is_asked_for_in_both_spellings(office: Bureau) -> None:
    """The second person joins the first: it is the same target."""
    with_database_row(office)
    rollback = await planned_database(office, words="db --restore latest")

    await office.say(DORA, "restore latest")

    assert office.numbers() == [1]
    assert office.hall.state(rollback).joined == (DORA,)
