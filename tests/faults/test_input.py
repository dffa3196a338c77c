"""Fault cases 1 to 12: what is typed, repeated, forged or cut off by a crash."""

from __future__ import annotations

import pytest

from commands.domain import events as e
from commands.domain.command import Stop
from commands.domain.conversation import Card
from commands.domain.people import Identity
from commands.domain.plan import Phase
from commands.domain.state import Status, StepStatus
from tests.faults.bureau import NOT_MEMBERS, OTHER_CHANNEL, Bureau, at_once
from tests.faults.test_database_desk import shown
from tests.unit.workers.office import ANNA, identity

CHANGING = (Phase.EXECUTE, Phase.VERIFY)

NASTY = (
    "api v1;id",
    "api `id`",
    "api $(id)",
    "--help; rm -rf /",
    "../x v1.2.3",
    "--service=../x --to-version=v1.2.3",
    "redis v1.2.3",
    "api \u0475\u0031.2.3",
    "api v1.2.\u0663",
    "\x00api v1.2.3",
    "api v1.2.3\nfull v1.2.3 --x",
)


@pytest.mark.parametrize("words", NASTY)
async def test_words_that_are_no_command_plan_nothing(office: Bureau, words: str) -> None:
    """Cases 1, 2, 4: refused to the asker alone; no number, no job, no process."""
    answer = await office.say(ANNA, words)

    assert answer
    assert office.numbers() == []
    assert office.hall.jobs() == 0
    assert office.chat.posts == []


async def test_an_unknown_name_is_answered_with_the_nearest(office: Bureau) -> None:
    """Case 3: a typo names the service that was meant; an unknown tag ends in a refusal."""
    answer = await office.say(ANNA, "apl v1.2.3")
    assert "api" in answer

    rollback = await office.planned("api v9.9.9")
    assert office.hall.state(rollback).status is Status.REFUSED


async def test_three_deliveries_of_one_command_are_one_rollback(office: Bureau) -> None:
    """Cases 5, 6: the same delivery id, at once and late: one number, one job, one answer."""
    said = office.incoming(ANNA, "api v1.2.3")

    accepted = await at_once(*(office.desk.accept(said) for _ in range(3)))
    await office.desk.drain()
    later = await office.desk.accept(said)

    assert sorted(accepted) == [False, False, True]
    assert later is False
    assert office.numbers() == [1]
    assert office.hall.jobs() == 1


async def test_repetitions_of_many_deliveries_run_once(office: Bureau) -> None:
    """A hundred deliveries, each handed in twice at once: every note stands once."""
    rollback = await office.planned()
    said = [office.incoming(ANNA, f'note {rollback} "n{n}"') for n in range(100)]

    for incoming in said:
        await at_once(office.desk.accept(incoming), office.desk.accept(incoming))
    await office.desk.drain()

    notes = [words for _, words, _ in office.hall.state(rollback).notes]
    assert sorted(notes) == sorted(f"n{n}" for n in range(100))


async def test_killed_between_ack_and_plan(office: Bureau) -> None:
    """Case 8: what was acknowledged is answered by the next bot, and by that one alone."""
    said = office.incoming(ANNA, "api v1.2.3")
    received = e.Received(incoming=said)
    await office.desk.services["production"].book.append_environment(lambda _: (received,))

    desk = office.bot()
    await desk.resume()
    await desk.resume()
    await desk.drain()
    again = office.bot()
    await again.resume()
    await again.drain()

    assert office.numbers() == [1]
    assert office.hall.state("RB-1").joined == ()
    assert sum(isinstance(x, e.Handled) for x in office.environment()) == 1


async def test_two_bots_over_one_inbox_carry_words_out_once(office: Bureau) -> None:
    """While an old bot still answers, a new one takes up the same words: one rollback."""
    said = office.incoming(ANNA, "api v1.2.3")
    old = office.desk
    await old.accept(said)
    new = office.bot()
    await new.resume()
    await at_once(old.drain(), new.drain())

    state = office.hall.state("RB-1")
    assert office.numbers() == [1]
    assert state.position == 1
    assert sum(isinstance(x, e.Handled) for x in office.environment()) == 1


@pytest.mark.parametrize("standing", NOT_MEMBERS)
async def test_who_is_no_member_is_refused_with_advice(office: Bureau, standing: str) -> None:
    """Cases 11, 21, 23: guest, stranger, bot, anonymous admin, channel, forward: audited."""
    rollback = await office.planned()
    words = await office.say(ANNA, "api v1.2.2", standing=standing)
    question = office.hall.state(rollback).question
    assert question is not None
    value = f"approve:production:{rollback}:{question.nonce}"
    click = await office.say(ANNA, value, kind="button", standing=standing)

    assert words
    assert click == words
    assert office.numbers() == [1]
    assert office.hall.state(rollback).status is Status.PLANNED
    assert [x.identity for x in office.refusals()] == [identity(ANNA)] * 2


async def test_an_unbound_channel_is_told_where_to_go(office: Bureau) -> None:
    """The channel decides the environment; elsewhere the right one is named, nothing more."""
    answer = await office.say(ANNA, "api v1.2.3", home=OTHER_CHANNEL)

    assert "C0" in answer
    assert office.numbers() == []
    assert len(office.refusals()) == 1


async def test_a_long_reason_is_whole_in_the_audit(office: Bureau) -> None:
    """Case 12: 5,000 characters stay in the journal; the card trims them."""
    reason = "5xx " * 1250

    rollback = await office.planned(f'api v1.2.3 --reason "{reason}"')
    answer = await office.say(ANNA, f"status {rollback}")

    assert office.hall.state(rollback).request.reason.strip() == reason.strip()
    assert len(answer) < 3000


async def test_a_stranger_with_a_known_name_is_nobody(office: Bureau) -> None:
    """Case 20: a display name copied from somebody with the right counts for nothing."""
    nobody = Identity(platform="slack", workspace="T0", user="U0NOBODY")

    answer = await office.say(ANNA, "api v1.2.3", identity=nobody, display_name="anna")

    assert "U0NOBODY" in answer
    assert office.numbers() == []


async def test_a_rollback_stopped_after_its_last_step_tells_its_log(office: Bureau) -> None:
    """Going on from there names no step; the log says so, and every line has its place."""
    hall, rollback = office.hall, await office.planned()
    hall.approve(rollback)

    def stop() -> None:
        state = hall.state(rollback)
        changing = [s for s in state.plan.steps if s.phase in CHANGING] if state.plan else []
        if all(state.record(s.number).status is StepStatus.DONE for s in changing):
            hall.order(Stop(hall.actor(ANNA)), rollback)
        else:
            hall.points.once["after append"] = stop

    hall.points.once["after append"] = stop
    assert (await office.drive(rollback)).status is Status.STOPPED
    hall.recover(rollback, "retry")
    assert hall.events(rollback)[-1] == e.RetryOrdered(step=0, people=(ANNA,))

    said = await shown(office, f"log {rollback}")

    assert "велено продолжать" in said
    assert outcome(office) == "LogReply"


async def test_an_answer_that_cannot_be_drawn_is_told_and_over(
    office: Bureau, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The asker hears of the error, and no later start of the bot stumbles over it again."""
    cards: list[Card] = []
    with monkeypatch.context() as broken:
        broken.setattr("bot.desk.reply_card", lambda *_: cards.pop())
        said = await office.say(ANNA, "status")
        assert said
        assert outcome(office) == "error.unexpected"

    await office.bot().resume()
    await office.desk.drain()

    assert office.chat.whispers == []


def outcome(office: Bureau) -> str:
    """What became of the last words that were answered."""
    return [x.outcome for x in office.environment() if isinstance(x, e.Handled)][-1]
