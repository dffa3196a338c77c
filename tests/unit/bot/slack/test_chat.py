"""Cards out on Slack: where they go, what happens when Slack is ill, and that none stands twice."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.slack import Connected, connect
from commands.domain.calling import Call
from commands.domain.conversation import Address, Card, Incoming
from commands.domain.errors import ChatError, ChatGoneError
from commands.domain.people import Identity
from commands.domain.runbook import Channel
from commands.settings import SlackSettings
from tests.fakes.desk import RecordingDesk
from tests.servers.slack import Fault, Slack
from tests.unit.bot.slack.cards import ordinary
from tests.unit.bot.slack.conftest import WallClock

HOME = Channel(platform="slack", workspace="T0HOME", channel="C1")
ANN = Identity(platform="slack", workspace="T0HOME", user="U1")
NOTE = Card(plain="ответ", headline="Ответ")


def said(slack_user: str = "U1", delivery_id: str = "x", **more: object) -> Incoming:
    identity = Identity(platform="slack", workspace="T0HOME", user=slack_user)
    values = {"kind": "words", "words": "", "identity": identity, "home": HOME}
    now = WallClock().now()
    return Incoming.model_validate(values | {"delivery_id": delivery_id, "received_at": now} | more)


@pytest.mark.parametrize("thread", [False, True])
async def test_a_post_whose_answer_was_lost_stands_once(
    slack: Slack, app: Connected, thread: bool
) -> None:
    """The repeated delivery finds its message by the id in its metadata, in a thread too."""
    address = Address(HOME)
    if thread:
        root = await app.chat.post(address, NOTE, "root")
        address = Address(HOME, thread=root.message_id)
    slack.faults.next("chat.postMessage", Fault.REPLY_LOST)

    with pytest.raises(ChatError):
        await app.chat.post(address, ordinary(), "d1")
    found = await app.chat.post(address, ordinary(), "d1")

    standing = slack.messages("C1", slack.messages("C1")[0] if thread else None)
    assert [one.ts for one in standing] == [found.message_id]


async def test_a_message_found_again_shows_what_is_true_now(slack: Slack, app: Connected) -> None:
    """What is posted again under its id has moved on meanwhile: the message found is edited."""
    await app.chat.post(Address(HOME), ordinary(), "d1")
    await app.chat.post(Address(HOME), NOTE, "d1")

    assert [one.text for one in slack.messages("C1")] == ["ответ"]


async def test_a_restart_does_not_forget_what_was_sent(
    slack: Slack, app: Connected, settings: SlackSettings
) -> None:
    """Another process with the same delivery id finds the message behind 250 newer ones."""
    first = await app.chat.post(Address(HOME), NOTE, "d1")
    slack.rates.post_burst = 10_000
    for number in range(250):
        slack.world.messages.append(
            replace(
                slack.messages("C1")[0], ts=slack.world.new_ts(), metadata=None, text=str(number)
            )
        )
    other = connect(settings, RecordingDesk(), WallClock())
    await other.start()

    again = await other.chat.post(Address(HOME), NOTE, "d1")
    await other.stop()

    assert again == first


async def test_when_to_try_again_is_told(slack: Slack, app: Connected) -> None:
    """A rate limit comes back at once with Slack's own waiting time, and nothing was posted."""
    slack.faults.retry_after_s = 7
    slack.faults.next("chat.postMessage", Fault.RATE_LIMITED)

    with pytest.raises(ChatError) as refused:
        await app.chat.post(Address(HOME), NOTE, "d1")

    assert refused.value.retry_after_s == 7.0
    assert slack.messages("C1") == []


@pytest.mark.parametrize("fault", [Fault.SERVER_ERROR, Fault.RESET])
async def test_a_fault_of_slack_is_a_chat_error(slack: Slack, app: Connected, fault: Fault) -> None:
    """Neither a broken connection nor an error page comes through as the vendor's exception."""
    posted = await app.chat.post(Address(HOME), NOTE, "d1")
    slack.faults.next("chat.update", fault)

    with pytest.raises(ChatError):
        await app.chat.update(posted, ordinary())
    await app.chat.update(posted, ordinary())


async def test_an_archived_channel_is_told_apart(slack: Slack, app: Connected) -> None:
    """An edit there says that the message is gone; a post is tried again, but not at once."""
    posted = await app.chat.post(Address(HOME), NOTE, "d1")
    slack.archive("C1")

    with pytest.raises(ChatGoneError):
        await app.chat.update(posted, NOTE)
    with pytest.raises(ChatError) as refused:
        await app.chat.post(Address(HOME), NOTE, "d2")
    assert not isinstance(refused.value, ChatGoneError)
    assert refused.value.retry_after_s == 30.0


async def test_a_frozen_message_is_posted_anew(slack: Slack, app: Connected) -> None:
    """Where Slack lets a message stand but not be edited, the same delivery gets a new message."""
    posted = await app.chat.post(Address(HOME), NOTE, "d1")
    slack.messages("C1")[0].is_frozen = True

    with pytest.raises(ChatGoneError):
        await app.chat.update(posted, ordinary())
    anew = await app.chat.post(Address(HOME), ordinary(), "d1")
    await app.chat.update(anew, ordinary())

    assert anew.message_id != posted.message_id


async def test_plan_blocks_give_way_to_sections(slack: Slack, settings: SlackSettings) -> None:
    """Where Slack refuses the young block, the card arrives in plain sections from then on."""
    slack.faults.refused_blocks = {"plan", "task_card"}
    app = connect(replace(settings, plan_blocks=True), RecordingDesk(), WallClock())
    await app.start()

    posted = await app.chat.post(Address(HOME), ordinary(), "d1")
    await app.chat.update(posted, ordinary())
    await app.stop()

    [message] = slack.messages("C1")
    assert "Скачать образ" in message.all_text
    answers = [call.answer for call in slack.calls("chat.postMessage")]
    assert answers == ["invalid_blocks", "ok"]
    assert [call.answer for call in slack.calls("chat.update")] == ["ok"]


async def test_plan_blocks_are_shown_where_slack_takes_them(
    slack: Slack, settings: SlackSettings
) -> None:
    """With the setting on, steps arrive as one plan of task cards."""
    app = connect(replace(settings, plan_blocks=True), RecordingDesk(), WallClock())
    await app.start()
    await app.chat.post(Address(HOME), ordinary(), "d1")
    await app.stop()

    kinds = [block["type"] for block in slack.messages("C1")[0].blocks]
    assert kinds.count("plan") == 1


async def test_news_arrives_even_when_all_blocks_are_refused(slack: Slack, app: Connected) -> None:
    """A workspace that takes none of our blocks still gets the line that stands alone."""
    slack.faults.refused_blocks = {"header", "section"}

    await app.chat.post(Address(HOME), ordinary(), "d1")

    [message] = slack.messages("C1")
    assert message.blocks == []
    assert message.text.startswith("[production] RB-17")


async def test_a_whisper_finds_its_way(slack: Slack, app: Connected) -> None:
    """In the channel while the asker is in it, else by a direct message; never to all."""
    slack.person("U9", "outsider")

    await app.chat.whisper(said("U1"), replace(NOTE, call=Call("channel")))
    await app.chat.whisper(said("U9"), NOTE)
    private = HOME.model_copy(update={"channel": slack.world.direct("U1").id})
    await app.chat.whisper(said("U1", home=private, private=True), NOTE)

    assert [(one.text, one.pings) for one in slack.ephemerals("U1")] == [("ответ", set())]
    assert [one.text for one in slack.directs("U9")] == ["ответ"]
    assert [one.text for one in slack.directs("U1")] == ["ответ"]
    assert slack.messages("C1") == []


async def test_a_command_is_answered_where_the_app_is_no_member(
    slack: Slack, app: Connected
) -> None:
    """Four answers go by the command's own URL, which works anywhere; the next one directly."""
    slack.world.channels["C2"] = replace(slack.world.channels["C1"], id="C2", members={"U1"})
    delivery = await slack.slash("U1", "C2", "/rollback api v1.2.3")
    event = said(
        "U1",
        f"slack:{delivery.payload['trigger_id']}",
        home=HOME.model_copy(update={"channel": "C2"}),
    )

    for _ in range(5):
        await app.chat.whisper(event, NOTE)

    assert len(slack.ephemerals("U1")) == 4
    assert len(slack.directs("U1")) == 1


async def test_a_hundred_faults_lose_and_double_nothing(slack: Slack, app: Connected) -> None:
    """Through a hundred failed calls of every kind the message arrives, and stands once."""
    slack.faults.retry_after_s = 0
    for _ in range(25):
        for fault in Fault:
            slack.faults.next("*", fault)
    slack.rates.post_burst = 10_000

    posted = None
    while posted is None:
        try:
            posted = await app.chat.post(Address(HOME), NOTE, "d1")
        except ChatError:
            continue
    assert posted.message_id == slack.messages("C1")[0].ts
    assert len(slack.messages("C1")) == 1
