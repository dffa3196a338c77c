"""What was written long ago, or where no channel tells the environment, changes nothing."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from commands.domain import events as e
from commands.domain.conversation import Incoming
from commands.domain.runbook import Channel
from commands.domain.state import Status
from tests.engines.redis_server import RedisServer
from tests.faults.bureau import Bureau
from tests.unit.workers.office import ANNA

DIRECT = Channel(platform="slack", workspace="T0", channel="D0")


def old(office: Bureau, words: str, minutes: float) -> Incoming:
    """Words that were written so long ago."""
    at = office.hall.world.clock.now() - timedelta(minutes=minutes)
    return office.incoming(ANNA, words, received_at=at)


def outcomes(office: Bureau) -> list[str]:
    """How every delivery was answered."""
    return [x.outcome for x in office.environment() if isinstance(x, e.Handled)]


async def test_words_older_than_five_minutes_are_not_carried_out(office: Bureau) -> None:
    """Kept by the chat while the bot was down: refused with their time, and that is all."""
    answer = await office.hand_in(old(office, "api v1.2.3", 6))

    assert "5 минут" in answer
    assert office.numbers() == []
    assert office.refusals() == []
    assert outcomes(office) == ["refused.stale"]


async def test_words_of_four_minutes_ago_are_carried_out(office: Bureau) -> None:
    """A short absence costs nobody a repetition."""
    await office.hand_in(old(office, "api v1.2.3", 4))

    assert office.numbers() == [1]


@pytest.mark.parametrize("words", ["status", "help", "versions api", "history", "plan RB-1"])
async def test_old_questions_are_answered(office: Bureau, words: str) -> None:
    """What changes nothing is answered however old it is."""
    await office.planned()

    answer = await office.hand_in(old(office, words, 600))

    assert answer
    assert "refused.stale" not in outcomes(office)


async def test_what_waited_too_long_for_the_store_is_not_carried_out(
    office: Bureau, embedded_redis: RedisServer
) -> None:
    """Accepted, then Redis is away: "accepted" is said; six minutes later nothing is begun."""
    said = office.incoming(ANNA, "api v1.2.3")
    service = office.desk.services["production"]
    await service.book.append_environment(lambda _: (e.Received(incoming=said),))
    await office.desk.resume()
    embedded_redis.stop()  # The answer has not begun: nothing was awaited since.
    async with office.chat.changed, asyncio.timeout(60):
        await office.chat.changed.wait_for(lambda: bool(office.chat.whispers))
    assert "принята" in office.heard(said)
    assert "НЕ принята" not in office.heard(said)

    office.hall.world.clock.sleep(360)
    embedded_redis.start()
    async with asyncio.timeout(60):
        await office.desk.drain()

    assert "5 минут назад; пока" in office.heard(said)
    assert office.numbers() == []
    assert outcomes(office) == ["refused.stale"]


def second_environment(office: Bureau) -> None:
    """The runbook names staging too; this bot serves production alone."""
    bots = office.hall.bots
    staging = bots.environments["production"].model_copy(update={"channels": ()})
    environments = {**bots.environments, "staging": staging}
    office.hall.bots = bots.model_copy(update={"environments": environments})
    office.bot()


async def test_direct_words_name_their_environment(office: Bureau) -> None:
    """With several environments bare words in private are refused, and those with `--env` heard."""
    second_environment(office)

    bare = await office.say(ANNA, "api v1.2.3", home=DIRECT, private=True)
    foreign = await office.say(ANNA, "api v1.2.3 --env staging", home=DIRECT, private=True)
    assert "production, staging" in bare
    assert office.numbers() == []
    assert foreign

    await office.say(ANNA, "api v1.2.3 --env production", home=DIRECT, private=True)
    assert office.numbers() == [1]


@pytest.mark.parametrize("words", ["help", "oncall"])
async def test_direct_questions_about_none_need_no_environment(office: Bureau, words: str) -> None:
    """How it works and who is on call is told in private without `--env`."""
    second_environment(office)

    await office.say(ANNA, words, home=DIRECT, private=True)

    assert "refused.which_environment" not in outcomes(office)


async def test_direct_words_mean_the_only_environment(office: Bureau) -> None:
    """With one environment nobody has to name it."""
    rollback = await office.planned()

    await office.say(ANNA, f"cancel {rollback}", home=DIRECT, private=True)

    assert office.hall.state(rollback).status is Status.CANCELLED
