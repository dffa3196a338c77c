"""Fault cases 13 to 24: who may say yes, to what, until when, and how often it counts."""

from __future__ import annotations

import random

import pytest

from bot.cards import View, rollback_card
from commands.domain import events as e
from commands.domain.people import Identity
from commands.domain.runbook import Person
from commands.domain.state import RollbackState, Status
from tests.faults.bureau import Bureau, at_once
from tests.faults.database_row import planned_database, with_database_row
from tests.unit.workers.office import ANNA, BOTH, DORA, EGOR, IVAN, ZOYA

FULL = "full v1.2.3"


def of_kind(office: Bureau, rollback: str, kind: type[e.Event]) -> int:
    return sum(isinstance(x, kind) for x in office.hall.events(rollback))


def state(office: Bureau, rollback: str) -> RollbackState:
    return office.hall.state(rollback)


async def test_ones_own_request_is_refused_where_the_table_forbids_it(office: Bureau) -> None:
    """Case 13: refused to the asker, with who may; written down; nothing begins."""
    office.hall.allow_self_approval(False)
    office.bot()
    rollback = await office.planned()

    answer = await office.press(ANNA, "approve", rollback)

    assert "oncall" in answer
    assert state(office, rollback).status is Status.PLANNED
    assert [x.reason.key for x in office.refusals()] == ["refused.own_request"]
    await office.press(DORA, "approve", rollback)
    assert state(office, rollback).status is Status.APPROVED


async def test_one_person_on_two_platforms_fills_one_slot(office: Bureau) -> None:
    """Case 14: Slack and Telegram accounts of somebody with both roles are still one person."""
    people = dict(office.hall.bots.people)
    people[BOTH] = Person(name=BOTH, slack=("T0:UBOTH",), telegram=(77,))
    office.hall.bots = office.hall.bots.model_copy(update={"people": people})
    office.bot()
    rollback = await office.planned(FULL)

    await office.press(BOTH, "approve", rollback)
    telegram = Identity(platform="telegram", user="77")
    await office.say(BOTH, f"approve {rollback}", identity=telegram, private=True)

    assert of_kind(office, rollback, e.Approved) == 1
    assert state(office, rollback).status is Status.PLANNED


async def test_one_of_two_roles_waits_and_names_the_other(office: Bureau) -> None:
    """Case 15 (the full row): the missing role is named; the second one lets it begin."""
    rollback = await office.planned(FULL)

    answer = await office.press(EGOR, "approve", rollback)
    assert "cto" in answer
    assert (await office.drive(rollback)).status is Status.PLANNED
    await office.press(IVAN, "approve", rollback)

    assert (await office.drive(rollback)).status is Status.SUCCEEDED
    assert set(state(office, rollback).approvers) == {EGOR, IVAN}


async def test_on_the_database_row_one_of_two_roles_waits(office: Bureau) -> None:
    """Case 15 (the database row): team or lead alone does not start it; the missing one is named.

    A requester of the database team is no approver: the row knows no self-approval.
    """
    with_database_row(office)
    rollback = await planned_database(office, by=DORA)

    own = await office.press(DORA, "approve", rollback)
    first = await office.press(EGOR, "approve", rollback)
    assert "devops_lead" in own
    assert "devops_lead" in first
    assert "database_team" not in first
    assert state(office, rollback).status is Status.PLANNED
    card = rollback_card(
        View(state(office, rollback), office.hall.bots, "ru", office.hall.world.clock.now())
    )
    assert "Ждёт одобрения: devops_lead." in card.plain

    await office.press(IVAN, "approve", rollback)

    assert state(office, rollback).status is Status.APPROVED
    assert [x.reason.key for x in office.refusals()] == ["refused.own_request"]


async def test_fifty_simultaneous_clicks_are_one_decision_and_one_job(office: Bureau) -> None:
    """Case 16: two entitled people, fifty clicks at once: one approval, one job."""
    rollback = await office.planned()
    question = state(office, rollback).question
    assert question is not None
    value = f"approve:production:{rollback}:{question.nonce}"
    waiting = office.hall.jobs()
    clicks = [office.incoming((ANNA, DORA)[n % 2], value, kind="button") for n in range(50)]

    await at_once(*(office.desk.accept(click) for click in clicks))
    await office.desk.drain()

    assert of_kind(office, rollback, e.Approved) == 1
    assert office.hall.jobs() == waiting + 1
    assert all(office.heard(click) for click in clicks)
    assert (await office.drive(rollback)).status is Status.SUCCEEDED
    assert office.hall.recreated == ["api v1.2.3"]


async def test_an_expired_request_is_refused(office: Bureau) -> None:
    """Case 18: after its time a yes is refused, and the worker has nothing to do."""
    rollback = await office.planned()
    office.hall.world.clock.sleep(31 * 60)

    await office.press(ANNA, "approve", rollback)

    assert (await office.drive(rollback)).status is Status.PLANNED
    assert [x.reason.key for x in office.refusals()] == ["refused.expired"]
    assert office.hall.recreated == []


@pytest.mark.parametrize("verb", ["approve", "deny", "retry", "undo", "tick", "abandon", "x"])
async def test_a_forged_button_decides_nothing(office: Bureau, verb: str) -> None:
    """Case 22: another nonce, verb, number or environment: refused, and written down."""
    rollback = await office.planned()
    before = state(office, rollback).status

    for value in (
        f"{verb}:production:{rollback}:000000000000",
        f"{verb}:production:RB-99:000000000000",
        f"{verb}:staging:{rollback}:000000000000",
        f"{verb}:production:{rollback}",
        f"{verb};id",
    ):
        assert await office.say(ANNA, value, kind="button")

    assert state(office, rollback).status is before
    assert state(office, rollback).ticks == {}
    assert of_kind(office, rollback, e.Approved) == 0


async def test_an_old_button_never_answers_a_new_question(office: Bureau) -> None:
    """The plan's button, pressed when the question is another one, is refused."""
    rollback = await office.planned()
    old = state(office, rollback).question
    assert old is not None
    await office.press(ANNA, "approve", rollback)
    await office.drive(rollback)
    office.hall.allow_self_approval(False)
    office.bot()
    await office.say(ANNA, f"undo {rollback}")

    await office.press(DORA, "approve", rollback, old.nonce)

    assert state(office, rollback).status is Status.SUCCEEDED
    assert of_kind(office, rollback, e.UndoStarted) == 0


@pytest.mark.parametrize("seed", range(8))
async def test_deny_racing_approve_has_one_end(office: Bureau, seed: int) -> None:
    """Case 24: at the same moment a yes and a no: one of them is refused, the end is one."""
    rollback = await office.planned()
    question = state(office, rollback).question
    assert question is not None
    clicks = [
        office.incoming(person, f"{verb}:production:{rollback}:{question.nonce}", kind="button")
        for person, verb in ((ANNA, "approve"), (DORA, "deny"))
    ]
    random.Random(seed).shuffle(clicks)

    await at_once(*(office.desk.accept(click) for click in clicks))
    await office.desk.drain()
    ended = await office.drive(rollback)

    assert ended.status in (Status.DENIED, Status.SUCCEEDED)
    assert bool(office.hall.recreated) is (ended.status is Status.SUCCEEDED)
    assert of_kind(office, rollback, e.Denied) == (ended.status is Status.DENIED)


async def test_who_has_no_role_is_refused_and_written_down(office: Bureau) -> None:
    """Cases 20, 22: known without a role, and unknown: neither asks, approves, stops nor undoes."""
    rollback = await office.planned()

    for person in (ZOYA, "nobody"):
        for words in (
            "api v1.2.2",
            f"approve {rollback}",
            f"deny {rollback}",
            f"cancel {rollback}",
            f"undo {rollback}",
        ):
            assert await office.say(person, words)

    assert state(office, rollback).status is Status.PLANNED
    assert office.numbers() == [1]
    known = [x for x in office.refusals() if x.identity.user == "UZOYA"]
    assert len(known) == 5
