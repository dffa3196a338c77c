"""Evidence that is worse than what people knew makes their approvals void."""

from __future__ import annotations

from dataclasses import replace

import pytest

from commands.database_ports import Finding
from commands.domain import command as c
from commands.domain import events as e
from commands.domain.errors import RefusedError
from commands.domain.state import Question, RollbackState, Status
from tests.fakes.database_plans import NAME
from tests.unit.workers.database_office import DOWN, DatabaseOffice
from tests.unit.workers.office import EGOR, IVAN

ORPHANS = Finding("foreign_key", "projects_user_id_fkey", ok=False, found="2")
REHEARSED = "before run"


def with_orphans() -> DatabaseOffice:
    """Production's data are not sound, and nobody knows yet."""
    office = DatabaseOffice()
    office.place.server.databases[NAME] = replace(office.place.content, broken=(ORPHANS,))
    return office


def asked(state: RollbackState) -> Question:
    assert state.question is not None
    return state.question


def approved_while_it_is_rehearsed(office: DatabaseOffice) -> RollbackState:
    """Both say yes before anybody can know what the rehearsal finds; it is driven on."""
    rollback = office.ask(DOWN)
    office.points.once[REHEARSED] = lambda: office.approve(rollback, EGOR, IVAN)
    return office.drive(rollback)


def test_a_yes_from_before_the_rehearsal_is_void_when_it_finds_unsound_data() -> None:
    """Both approve during preparation; the copy turns out unsound: nothing starts, they decide."""
    office = with_orphans()

    state = approved_while_it_is_rehearsed(office)

    assert state.status is Status.PLANNED
    assert (asked(state).approvals, state.approved, state.changed) == ({}, None, False)
    assert [change.key for change in state.plan_changes] == ["approval.evidence_worse"]
    office.approve(state.id, EGOR, IVAN)
    assert office.drive(state.id).changed


def test_the_button_of_the_card_that_did_not_show_it_decides_nothing() -> None:
    """Nobody had approved yet: who presses the older card is sent to the new one."""
    office = with_orphans()
    rollback = office.ask(DOWN)
    shown: list[str] = []
    office.points.once[REHEARSED] = lambda: shown.append(asked(office.state(rollback)).nonce)
    state = office.drive(rollback)

    with pytest.raises(RefusedError) as refused:
        office.order(c.Approve(office.actor(EGOR), shown[0]), rollback)

    assert refused.value.text.key == "refused.plan_changed"
    assert state.plan_changes == (), "no approval was taken from anybody"
    office.order(c.Approve(office.actor(EGOR), asked(state).nonce), rollback)
    assert set(asked(office.state(rollback)).approvals) == {EGOR}


def test_sound_data_leave_approvals_alone() -> None:
    """What was found is as good as what was known: it starts as soon as it is prepared."""
    office = DatabaseOffice()

    state = approved_while_it_is_rehearsed(office)

    assert state.status is Status.SUCCEEDED
    assert not any(isinstance(event, e.ApprovalsVoided) for event in office.events(state.id))
