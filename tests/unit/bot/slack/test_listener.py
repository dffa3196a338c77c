"""What people type, press and fill in on Slack reaches the desk, once, before Slack has its ack."""

from __future__ import annotations

import asyncio
import logging

import pytest
from pydantic import SecretStr

from bot.slack import Connected, connect
from commands.domain.conversation import Address, Standing
from commands.domain.errors import ChatError, StoreUnavailableError
from commands.domain.people import Identity
from commands.domain.runbook import Channel
from commands.settings import SlackSettings
from tests.fakes.desk import RecordingDesk
from tests.servers.slack import APP_TOKEN, BOT_TOKEN, Fault, Message, Slack
from tests.unit.bot.slack.cards import APPROVE, ordinary
from tests.unit.bot.slack.conftest import WallClock

HOME = Channel(platform="slack", workspace="T0HOME", channel="C1")


async def card_in(slack: Slack, app: Connected) -> Message:
    await app.chat.post(Address(HOME), ordinary(), "d1")
    return slack.messages("C1")[0]


async def test_a_command_is_handed_in(slack: Slack, app: Connected, desk: RecordingDesk) -> None:
    """Words, identity by workspace and id, and channel arrive; the ack follows at once."""
    delivery = await slack.slash("U1", "C1", "/rollback api v1.2.3 --reason a&amp;b&lt;c")

    [incoming] = desk.accepted
    assert (incoming.kind, incoming.words) == ("words", "api v1.2.3 --reason a&b<c")
    assert incoming.identity == Identity(platform="slack", workspace="T0HOME", user="U1")
    assert (incoming.standing, incoming.home, incoming.private) == (Standing.MEMBER, HOME, False)
    assert delivery.ack_after_s is not None
    assert delivery.ack_after_s < 5, "milliseconds, where the machine is its own"


async def test_the_first_ack_asks_slack_only_who_the_sender_is(
    slack: Slack, app: Connected, desk: RecordingDesk
) -> None:
    """No call stands between a known sender and the acknowledgement."""
    await slack.slash("U1", "C1", "/rollback api v1.2.3")
    await slack.slash("U1", "C1", "/rollback api v1.2.2")

    assert len(slack.calls("auth.test")) == 1
    assert len(slack.calls("users.info")) == 1


async def test_a_repeated_delivery_is_the_same_event(
    slack: Slack, app: Connected, desk: RecordingDesk
) -> None:
    """Slack's repetition of a command reaches the desk with the same id."""
    delivery = await slack.slash("U1", "C1", "/rollback api v1.2.3")
    await slack.resend(delivery)
    await slack.resend(delivery)

    assert (len(desk.accepted), desk.repeats) == (1, 2)


async def test_a_press_hands_the_value_back_unchanged(
    slack: Slack, app: Connected, desk: RecordingDesk
) -> None:
    """A button's opaque value returns as it was posted; a forged one as it was forged."""
    message = await card_in(slack, app)

    await slack.click("U1", message, "card:approve", confirm=True)
    await slack.click("U1", message, "card:deny", value="deny:staging:RB-1:000")

    assert [(one.kind, one.words) for one in desk.accepted] == [
        ("button", APPROVE.value),
        ("button", "deny:staging:RB-1:000"),
    ]


@pytest.mark.parametrize(
    ("user", "standing", "workspace"),
    [("U2", Standing.GUEST, "T0HOME"), ("U3", Standing.STRANGER, "T0OTHER")],
)
async def test_guests_and_strangers_are_named_as_such(
    slack: Slack,
    app: Connected,
    desk: RecordingDesk,
    user: str,
    standing: Standing,
    workspace: str,
) -> None:
    """The desk is told that the sender is no member, for words and for buttons, bare or not."""
    message = await card_in(slack, app)

    await slack.slash(user, "C1", "/rollback")
    await slack.slash(user, "C1", "/rollback api v1.2.3")
    await slack.click(user, message, "card:deny")

    assert {one.standing for one in desk.accepted} == {standing}
    assert {one.identity.workspace for one in desk.accepted} == {workspace}
    assert len(desk.accepted) == 3
    assert slack.form(user) is None


async def test_nobody_is_taken_for_a_member_without_slacks_word(
    slack: Slack, app: Connected, desk: RecordingDesk
) -> None:
    """When Slack does not say who somebody is, nothing is accepted and they are told."""
    slack.faults.next("users.info", Fault.SERVER_ERROR)
    await slack.slash("U1", "C1", "/rollback api v1.2.3")

    assert desk.accepted == []
    assert "НЕ принята" in slack.ephemerals("U1")[0].text


async def test_a_known_member_is_believed_while_slack_is_silent(
    slack: Slack, app: Connected, desk: RecordingDesk
) -> None:
    """Somebody looked up before needs no second look-up."""
    await slack.slash("U1", "C1", "/rollback api v1.2.3")
    slack.faults.next("users.info", Fault.SERVER_ERROR, times=9)
    await slack.slash("U1", "C1", "/rollback api v1.2.2")

    assert len(desk.accepted) == 2


async def test_what_was_not_accepted_is_said_so(
    slack: Slack, app: Connected, desk: RecordingDesk
) -> None:
    """With the store away, a command and a press are refused before the sender's eyes."""
    message = await card_in(slack, app)
    desk.failure = StoreUnavailableError()

    await slack.slash("U1", "C1", "/rollback api v1.2.3")
    await slack.click("U1", message, "card:deny")
    await slack.wait_for(lambda: len(slack.ephemerals("U1")) == 2)

    assert {one.text for one in slack.ephemerals("U1")} == {"не принято: StoreUnavailableError"}


class SlowDesk(RecordingDesk):
    """Takes longer than Slack waits, and fails then."""

    def __init__(self) -> None:
        super().__init__()
        self.may_fail = asyncio.Event()

    async def accept(self, incoming: object) -> bool:
        await self.may_fail.wait()
        raise StoreUnavailableError


async def test_a_slow_store_does_not_cost_the_ack(slack: Slack, settings: SlackSettings) -> None:
    """Slack has its ack within 3 s; a failure after that is still told."""
    desk = SlowDesk()
    app = connect(settings, desk, WallClock())
    await app.start()
    delivery = await slack.slash("U1", "C1", "/rollback api v1.2.3")
    desk.may_fail.set()
    await slack.wait_for(lambda: slack.ephemerals("U1"))
    await app.stop()

    assert delivery.ack_after_s is not None
    assert delivery.ack_after_s < 10, "2.4 s, where the machine is its own"
    assert slack.ephemerals("U1")[0].text == "не принято: StoreUnavailableError"


async def test_an_outage_of_slack_is_survived(
    slack: Slack, app: Connected, desk: RecordingDesk
) -> None:
    """After an outage, and after Slack's own refresh of the connection, commands arrive again."""
    await slack.down()
    await slack.up()
    await slack.slash("U1", "C1", "/rollback api v1.2.3")
    first = slack.socket.connections[0]
    await slack.socket.refresh()
    await slack.wait_for(lambda: first not in slack.socket.connections)
    await slack.slash("U1", "C1", "/rollback api v1.2.2")

    assert [one.words for one in desk.accepted] == ["api v1.2.3", "api v1.2.2"]


async def test_a_ticket_that_was_refused_is_not_tried_for_ever(
    slack: Slack, app: Connected, desk: RecordingDesk
) -> None:
    """A connection that breaks between ticket and greeting is made with a new ticket."""
    slack.faults.next("link", Fault.SERVER_ERROR)
    await slack.socket.drop()
    await slack.slash("U1", "C1", "/rollback api v1.2.3")

    assert len(desk.accepted) == 1


async def test_a_wrong_token_is_found_at_start(slack: Slack, desk: RecordingDesk) -> None:
    """A token that Slack refuses ends the start with Slack's word for it."""
    settings = SlackSettings(SecretStr(BOT_TOKEN), SecretStr("xapp-wrong"), slack.api_url)
    app = connect(settings, desk, WallClock())

    with pytest.raises(ChatError, match="invalid_auth"):
        await app.start()

    assert slack.violations == ["apps.connections.open called with the wrong token"]
    slack.violations.clear()


async def test_a_start_that_failed_can_be_repeated(
    slack: Slack, settings: SlackSettings, desk: RecordingDesk
) -> None:
    """With Slack away at first, a later start of the same app comes up."""
    app = connect(settings, desk, WallClock())
    await slack.down()
    with pytest.raises(ChatError):
        await app.start()
    await slack.up()

    await app.start()
    await slack.slash("U1", "C1", "/rollback api v1.2.3")
    await app.stop()

    assert len(desk.accepted) == 1


async def test_fifty_presses_at_once_are_all_acknowledged(
    slack: Slack, app: Connected, desk: RecordingDesk
) -> None:
    """Every one of fifty simultaneous presses is handed in and acknowledged in time."""
    message = await card_in(slack, app)

    presses = await asyncio.gather(
        *(slack.click("U1", message, "card:approve", confirm=True) for _ in range(50))
    )

    assert len(desk.accepted) == 50
    assert all(one.acked for one in presses)


async def test_nothing_said_reaches_the_log(
    slack: Slack, app: Connected, desk: RecordingDesk, caplog: pytest.LogCaptureFixture
) -> None:
    """Even at DEBUG, no words, tokens, tickets or response URLs are logged, outages included."""
    caplog.set_level(logging.DEBUG)
    delivery = await slack.slash("U1", "C1", "/rollback api v1.2.3 --reason CANARY")
    slack.faults.next("users.info", Fault.SERVER_ERROR)
    await slack.slash("U2", "C1", "/rollback CANARY")
    await slack.socket.drop()
    await slack.slash("U1", "C1", "/rollback CANARY")

    secrets = ["CANARY", BOT_TOKEN, APP_TOKEN, "ticket=", delivery.payload["response_url"]]
    assert [one for one in secrets if one in caplog.text] == []


async def test_what_is_not_ours_is_dropped_quietly(
    slack: Slack, app: Connected, desk: RecordingDesk
) -> None:
    """A button of an older release is acknowledged, and nothing is made of it."""
    slack.world.messages.append(
        Message(
            "C1",
            slack.world.new_ts(),
            "old",
            [{"type": "actions", "elements": [old_button("legacy_approve")]}],
        )
    )

    delivery = await slack.click("U1", slack.messages("C1")[0], "legacy_approve")

    assert delivery.acked
    assert desk.accepted == []


def old_button(action_id: str) -> dict[str, object]:
    label = {"type": "plain_text", "text": "Old"}
    return {"type": "button", "text": label, "action_id": action_id, "value": "x"}
