"""Accounts that the runbook does not name, in private or in a group of their own."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.hearing import WORDS_MAX
from bot.strangers import ANSWERED_EVERY, REMEMBERED, Strangers
from commands.domain import events as e
from commands.domain.conversation import Card, Incoming
from commands.domain.errors import RefusedError
from commands.domain.people import Identity
from commands.domain.runbook import Channel
from tests.fakes.chat import FakeChat
from tests.fakes.clock import FixedClock
from tests.faults.bureau import OTHER_CHANNEL, Bureau, stranger
from tests.unit.workers.office import ANNA

EVE = Identity(platform="telegram", user="666")
TO_EVE = Channel(platform="telegram", channel="666")
HER_GROUP = Channel(platform="telegram", channel="-100666")
SLACK_DIRECT = Channel(platform="slack", workspace="T0", channel="D0666")
PLACES = (
    (EVE, TO_EVE, True),
    (EVE, HER_GROUP, False),
    (stranger(), SLACK_DIRECT, True),
    (stranger(), OTHER_CHANNEL, False),
)
QUESTIONS = (
    "status", "status {id}", "log {id}", "plan {id}", "history", "oncall", "versions api",
    "versions db", "backups", "help", "", "status --env production",
    "log:production:{id}:0", "plan:production:{id}:0",
)  # fmt: skip


async def told(office: Bureau, said: Incoming) -> list[Card]:
    """What a bot that was just started answers to these words."""
    desk = office.bot()
    telegram = desk.chats["telegram"] = FakeChat(platform="telegram")
    assert await desk.accept(said)
    await desk.drain()
    return [card for _, card in (*office.chat.whispers, *telegram.whispers)]


@pytest.mark.parametrize(("who", "home", "private"), PLACES)
async def test_an_outsider_reads_nothing_of_production(
    office: Bureau, who: Identity, home: Channel, private: bool
) -> None:
    """Whatever is asked or pressed, the answer is the same, and no journal has it."""
    rollback = await office.planned()
    before = office.environment(), office.hall.events(rollback)

    for question in QUESTIONS:
        words = question.format(id=rollback)
        kind = "button" if words.count(":") > 1 else "words"
        said = office.incoming(
            ANNA, words, kind=kind, identity=who, home=home, private=private, display_name="anna"
        )
        (card,) = await told(office, said)
        assert who.user in card.plain
        assert rollback not in str(card)
        assert "egor" not in str(card)
    assert (office.environment(), office.hall.events(rollback)) == before


async def test_who_reads_along_in_the_incident_channel_may_ask_there(office: Bureau) -> None:
    """There, to be a member of the channel is the right to read."""
    rollback = await office.planned()

    said = await told(office, office.incoming(ANNA, f"status {rollback}", identity=stranger()))

    assert rollback in str(said)


async def test_what_an_older_bot_took_from_an_outsider_is_answered_with_a_refusal(
    office: Bureau,
) -> None:
    """Words that stand in the journal from before an upgrade tell nothing, either."""
    rollback = await office.planned()
    words = office.incoming(ANNA, "oncall", identity=stranger(), home=SLACK_DIRECT, private=True)
    book = office.desk.services["production"].book
    await book.append_environment(lambda _: (e.Received(incoming=words),))

    await office.bot().resume()
    await office.desk.drain()

    (card,) = [card for _, card in office.chat.whispers]
    assert "egor" not in str(card)
    assert rollback not in str(card)
    assert office.environment()[-1] == e.Handled(
        delivery_id=words.delivery_id, outcome="refused.outsider"
    )


async def test_an_outsider_is_answered_once_an_hour(office: Bureau) -> None:
    """A flood of words costs neither Redis nor the chat anything; others have their own answer."""
    desk, clock = office.desk, office.hall.world.clock
    telegram = desk.chats["telegram"] = FakeChat(platform="telegram")
    before = office.environment()

    async def flooded(who: Identity) -> int:
        for _ in range(20):
            said = office.incoming(ANNA, "ж" * 100_000, identity=who, home=TO_EVE, private=True)
            await desk.accept(said)
        await desk.drain()
        return len(telegram.whispers)

    assert await flooded(EVE) == 1
    assert await flooded(Identity(platform="telegram", user="667")) == 2
    clock.sleep(ANSWERED_EVERY.total_seconds())
    assert await flooded(EVE) == 3
    assert office.environment() == before


def test_many_outsiders_take_no_more_room_than_a_thousand() -> None:
    """Further ones are not answered until the first ones' hour is over."""
    clock, strangers = FixedClock(), Strangers()

    answered = 0
    for number in range(REMEMBERED + 50):
        answered += strangers.is_due(Identity(platform="telegram", user=str(number)), clock.now())
        clock.sleep(0.1)

    assert answered == REMEMBERED
    late = clock.now() + ANSWERED_EVERY + timedelta(seconds=1)
    assert strangers.is_due(Identity(platform="telegram", user="late"), late)


@pytest.mark.parametrize("kind", ["words", "button"])
async def test_words_that_nobody_means_are_not_stored(office: Bureau, kind: str) -> None:
    """Longer than any command: refused to the asker before anything is written."""
    before = office.environment()
    said = office.incoming(ANNA, "x" * (WORDS_MAX + 1), kind=kind)

    with pytest.raises(RefusedError) as refused:
        await office.desk.accept(said)

    assert str(WORDS_MAX) in office.desk.refusal(refused.value, said).plain.replace(" ", "")
    assert office.environment() == before
