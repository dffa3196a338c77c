"""Telegram in: what people type and press reaches the desk, once, and in safe order."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from pydantic import SecretStr

from bot.telegram import Connected, connect
from commands.domain.conversation import Address, Button, Card, Confirm, Standing, Tone
from commands.domain.errors import ChatError, StoreUnavailableError
from commands.domain.runbook import Channel
from commands.settings import TelegramSettings
from tests.fakes.clock import FixedClock
from tests.fakes.desk import RecordingDesk
from tests.servers.telegram import TelegramServer
from tests.servers.telegram_model import Chat, Message


@pytest.fixture
def desk() -> RecordingDesk:
    return RecordingDesk()


def connection(telegram: TelegramServer, desk: RecordingDesk) -> Connected:
    settings = TelegramSettings(SecretStr(telegram.token), telegram.api_url)
    return connect(settings, desk, FixedClock())


@pytest_asyncio.fixture
async def bot(telegram: TelegramServer, desk: RecordingDesk) -> AsyncIterator[Connected]:
    connected = connection(telegram, desk)
    await connected.start()
    yield connected
    await connected.stop()


async def post(bot: Connected, chat: Chat, card: Card, telegram: TelegramServer) -> Message:
    where = Address(Channel(platform="telegram", channel=str(chat.id)))
    sent = await bot.chat.post(where, card, f"card-{card.plain}")
    found = telegram.message(chat, int(sent.message_id))
    assert found is not None
    return found


APPROVE = Button("Одобрить", "approve", "approve:production:RB-17:3fa9c1d2e0ab")
STOP = Button(
    "Остановить",
    "stop",
    "stop:production:RB-17:aaaa",
    confirm=Confirm("Остановить RB-17?", "Шаг будет закончен.", "Да, остановить", "Нет"),
)
CARD = Card(plain="production: RB-17 ждёт", headline="RB-17 · api", buttons=(APPROVE, STOP))


async def test_words_reach_the_desk_with_a_real_identity(
    telegram: TelegramServer,
    desk: RecordingDesk,
    bot: Connected,
) -> None:
    """`/rollback@bot words` in a forum topic arrives as words, account, channel and topic."""
    anna = telegram.user("Anna", username="anna")
    forum = telegram.group("Incidents", forum=True)
    topic = telegram.topic(forum, "Rollbacks")
    command = f"/rollback@{telegram.me.username} api v1.2.3"
    said = await telegram.say(anna, forum, command, topic=topic)

    heard = await desk.heard()

    assert heard.words == "api v1.2.3"
    assert (heard.identity.platform, heard.identity.user) == ("telegram", str(anna.id))
    assert heard.home == Channel(platform="telegram", channel=str(forum.id), topic=str(topic))
    assert heard.delivery_id == f"message:{forum.id}:{said.id}"
    assert (heard.standing, heard.private) == (Standing.MEMBER, False)
    assert int(heard.received_at.timestamp()) == said.sent_at_s


async def test_only_people_speaking_for_themselves_are_members(
    telegram: TelegramServer,
    desk: RecordingDesk,
    bot: Connected,
) -> None:
    """Anonymous admins, channels, bots and forwards are handed in with their standing."""
    anna, chat = telegram.user("Anna"), telegram.group("Incidents")
    robot, news = telegram.user("Robot", is_bot=True), telegram.group("News", "channel")
    await telegram.say_as_anonymous_admin(chat, "/rollback api v1.2.3")
    await telegram.say_as_channel(news, chat, "/rollback api v1.2.3")
    await telegram.post(news, "/rollback api v1.2.3")
    await telegram.say(robot, chat, "/rollback api v1.2.3")
    original = await telegram.say(anna, telegram.private(anna), "/rollback api v1.2.3")
    await telegram.forwarded(anna, chat, original)

    await desk.heard(6)

    assert [heard.standing for heard in desk.accepted] == [
        Standing.ANONYMOUS,
        Standing.CHANNEL,
        Standing.CHANNEL,
        Standing.BOT,
        Standing.MEMBER,
        Standing.FORWARD,
    ]


async def test_edits_and_talk_are_not_commands(
    telegram: TelegramServer,
    desk: RecordingDesk,
    bot: Connected,
) -> None:
    """A corrected command, plain talk and another bot's command start nothing."""
    telegram.privacy = False
    anna, chat = telegram.user("Anna"), telegram.group("Incidents")
    said = await telegram.say(anna, chat, "we should /rollback api")
    await telegram.edited(said, "/rollback api v1.2.2")
    await telegram.say(anna, chat, "/rollback@other_bot api v1.2.3")
    await telegram.say(anna, telegram.private(anna), "/start")

    heard = await desk.heard()

    assert [i.words for i in desk.accepted] == ["help"]
    assert heard.private


async def test_an_update_fetched_by_a_bot_that_died_is_handled_once(
    telegram: TelegramServer,
    desk: RecordingDesk,
) -> None:
    """Telegram offers again what was not handed in, and the desk knows what it has seen."""
    telegram.lenient_callbacks = True
    anna, chat = telegram.user("Anna"), telegram.group("Incidents")
    await telegram.say(anna, chat, "/rollback api v1.2.3")
    first = connection(telegram, desk)
    desk.failure = StoreUnavailableError()
    telegram.fail(1000, "500", method="sendMessage")
    await first.start()
    await desk.tried()
    await first.stop()
    assert desk.accepted == []

    desk.failure = None
    second = connection(telegram, desk)
    await second.start()
    heard = await desk.heard()
    await second.stop()

    assert heard.words == "api v1.2.3"
    assert len(desk.accepted) == 1


async def test_not_accepted_is_said_to_the_asker(
    telegram: TelegramServer,
    desk: RecordingDesk,
    bot: Connected,
) -> None:
    """When the store is away the asker is told in private, and the group sees nothing."""
    desk.failure = StoreUnavailableError()
    anna, chat = telegram.user("Anna"), telegram.group("Incidents")
    await telegram.say(anna, chat, "/rollback api v1.2.3")

    await telegram.wait_for(lambda: telegram.find(telegram.private(anna), "не принято"))

    assert telegram.messages(chat) == []


async def test_a_press_is_handed_in_unchanged_and_answered(
    telegram: TelegramServer,
    desk: RecordingDesk,
    bot: Connected,
) -> None:
    """A button's value comes back as it was given, and the spinner ends with a notice."""
    anna, chat = telegram.user("Anna"), telegram.group("Incidents")
    card = await post(bot, chat, CARD, telegram)

    press = await telegram.press(anna, card, "Одобрить")
    heard = await desk.heard()

    assert (heard.kind, heard.words) == ("button", APPROVE.value)
    assert await telegram.answered(press) == "Принято"


async def test_what_the_desk_says_of_a_press_is_its_answer(
    telegram: TelegramServer,
    desk: RecordingDesk,
    bot: Connected,
) -> None:
    """A refusal appears in the box that only the presser sees, nowhere else."""
    anna, chat = telegram.user("Anna"), telegram.group("Incidents")
    card = await post(bot, chat, CARD, telegram)
    press = await telegram.press(anna, card, "Одобрить")
    await bot.chat.whisper(
        await desk.heard(), Card(plain="Не ваша роль", headline="Отказ", tone=Tone.BAD)
    )

    assert await telegram.answered(press) == "Не ваша роль"
    assert press.alert
    assert len(telegram.messages(chat)) == 1
    assert telegram.messages(telegram.private(anna)) == []


async def test_a_late_answer_does_not_undo_a_decision(
    telegram: TelegramServer,
    desk: RecordingDesk,
    bot: Connected,
) -> None:
    """That a query is too old is shrugged off; the words then go to the private chat."""
    anna, chat = telegram.user("Anna"), telegram.group("Incidents")
    card = await post(bot, chat, CARD, telegram)
    press = await telegram.forge_press(anna, card, APPROVE.value)
    telegram.expire(press)
    await bot.chat.whisper(await desk.heard(), Card(plain="Уже решено", headline="Поздно"))

    await telegram.wait_for(lambda: telegram.find(telegram.private(anna), "Уже решено"))


async def test_a_button_that_hurts_asks_once_more(
    telegram: TelegramServer,
    desk: RecordingDesk,
    bot: Connected,
) -> None:
    """Nothing is handed in before "yes"; "no" leaves nothing behind."""
    anna, chat = telegram.user("Anna"), telegram.group("Incidents")
    card = await post(bot, chat, CARD, telegram)
    await telegram.press(anna, card, "Остановить")
    asked = await telegram.wait_for(lambda: telegram.find(chat, "Остановить RB-17?"))
    assert asked is not None
    assert desk.accepted == []
    await telegram.press(anna, asked, "Нет")
    await telegram.wait_for(lambda: asked.deleted)

    await telegram.press(anna, card, "Остановить")
    again = await telegram.wait_for(lambda: telegram.find(chat, "Остановить RB-17?"))
    assert again is not None
    await telegram.press(anna, again, "Да, остановить")
    heard = await desk.heard()
    await telegram.wait_for(lambda: again.deleted)

    assert heard.words == STOP.value
    assert len(desk.accepted) == 1


async def test_a_bare_command_opens_a_menu(
    telegram: TelegramServer,
    desk: RecordingDesk,
    bot: Connected,
) -> None:
    """Service, then version: two presses become the words `api v1.2.3`."""
    anna, chat = telegram.user("Anna"), telegram.group("Incidents")
    await telegram.say(anna, chat, "/rollback")
    opened = await telegram.wait_for(lambda: telegram.find(chat, "что откатить"))
    assert opened is not None
    assert any(label.startswith("full") for label in opened.buttons)
    await telegram.press(anna, opened, "api")
    await telegram.wait_for(lambda: "v1.2.3 · 3 дня" in opened.buttons)
    await telegram.press(anna, opened, "← Назад")
    await telegram.wait_for(lambda: "worker" in opened.buttons)
    await telegram.press(anna, opened, "api")
    await telegram.wait_for(lambda: "v1.2.3 · 3 дня" in opened.buttons)
    await telegram.press(anna, opened, "v1.2.3 · 3 дня")

    heard = await desk.heard()
    await telegram.wait_for(lambda: opened.text == "Anna: /rollback api v1.2.3")

    assert (heard.kind, heard.words, heard.identity.user) == ("words", "api v1.2.3", str(anna.id))
    assert opened.buttons == []


async def test_a_bare_command_elsewhere_is_left_to_the_desk(
    telegram: TelegramServer,
    desk: RecordingDesk,
    bot: Connected,
) -> None:
    """In a channel of no environment there is no menu: the desk refuses and names the right one."""
    desk.offered = None
    await telegram.say(telegram.user("Anna"), telegram.group("Kitchen"), "/rollback")

    assert (await desk.heard()).words == ""


async def test_commands_are_introduced_in_both_languages(
    telegram: TelegramServer,
    bot: Connected,
) -> None:
    """Every scope has its list in Russian, in English and for everybody else."""
    await telegram.wait_for(lambda: len(telegram.commands) == 9)

    scopes = ("default", "all_group_chats", "all_private_chats")
    assert set(telegram.commands) == {(s, code) for s in scopes for code in ("", "ru", "en")}
    assert telegram.commands["default", "en"][0]["description"].startswith("Roll back")


async def test_an_outage_at_the_start_is_waited_out(
    telegram: TelegramServer,
    desk: RecordingDesk,
) -> None:
    """The bot starts while Telegram is away, and hears what was said in the meantime."""
    await telegram.down()
    bot = connection(telegram, desk)
    await bot.start()
    await telegram.say(telegram.user("Anna"), telegram.group("Incidents"), "/rollback api v1.2.3")
    await telegram.up()

    heard = await desk.heard()
    await bot.stop()

    assert heard.words == "api v1.2.3"


async def test_a_wrong_token_is_said_at_the_start_and_never_logged(
    telegram: TelegramServer,
    desk: RecordingDesk,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A refused token ends the start; neither error nor log carries it."""
    caplog.set_level(logging.DEBUG)
    wrong = TelegramSettings(
        SecretStr("123456789:AAsecretsecretsecretsecretsecret"), telegram.api_url
    )
    bot = connect(wrong, desk, FixedClock())

    with pytest.raises(ChatError) as caught:
        await bot.start()
    await bot.stop()
    telegram.violations.clear()

    assert "AAsecret" not in str(caught.value)
    ours = [r for r in caplog.records if r.name.startswith(("bot.", "httpx", "httpcore"))]
    assert all("AAsecret" not in r.getMessage() for r in ours)


async def test_a_group_that_moved_keeps_its_place(
    telegram: TelegramServer,
    desk: RecordingDesk,
    bot: Connected,
) -> None:
    """After a migration cards go to the new group, and its words count as said in the old one."""
    anna, small = telegram.user("Anna"), telegram.group("Small", "group")
    moved = await telegram.migrate(small)
    where = Address(Channel(platform="telegram", channel=str(small.id)))
    sent = await bot.chat.post(where, CARD, "card")
    await telegram.say(anna, moved, "/rollback api v1.2.3")

    assert sent.channel == str(moved.id)
    assert (await desk.heard()).home.channel == str(small.id)


async def test_a_start_that_failed_may_be_repeated(
    telegram: TelegramServer, desk: RecordingDesk
) -> None:
    """When BotFather's token works at last, the same connection comes up."""
    bot, right = connection(telegram, desk), telegram.token
    telegram.token = "1:another"
    with pytest.raises(ChatError):
        await bot.start()
    telegram.token = right
    telegram.violations.clear()
    await telegram.say(telegram.user("Anna"), telegram.group("Incidents"), "/rollback api v1.2.3")

    await bot.start()
    heard = await desk.heard()
    await bot.stop()

    assert heard.words == "api v1.2.3"
