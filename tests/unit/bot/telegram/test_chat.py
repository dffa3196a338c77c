"""Telegram out: what is special about it, on the local server."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from pydantic import SecretStr

from bot.telegram import Connected, connect
from commands.domain.conversation import Address, Card, Paragraph, Tone
from commands.domain.errors import ChatError, ChatGoneError
from commands.domain.people import Identity
from commands.domain.runbook import Channel
from commands.settings import TelegramSettings
from tests.fakes.clock import FixedClock
from tests.fakes.desk import RecordingDesk
from tests.servers.telegram import TelegramServer
from tests.servers.telegram_model import Chat

CARD = Card(plain="production: RB-17", headline="RB-17 · api")


@pytest.fixture
def desk() -> RecordingDesk:
    return RecordingDesk()


@pytest_asyncio.fixture
async def bot(telegram: TelegramServer, desk: RecordingDesk) -> AsyncIterator[Connected]:
    settings = TelegramSettings(SecretStr(telegram.token), telegram.api_url)
    connected = connect(settings, desk, FixedClock())
    await connected.start()
    await telegram.wait_for(lambda: len(telegram.commands) == 9)
    yield connected
    await connected.stop()


def address(chat: Chat, topic: int | None = None, thread: str = "") -> Address:
    where = Channel(platform="telegram", channel=str(chat.id), topic=str(topic or ""))
    return Address(where, thread=thread)


async def test_topics_are_kept_and_their_loss_survived(
    telegram: TelegramServer, bot: Connected
) -> None:
    """A card goes into its topic; when the topic was deleted, into the group."""
    forum = telegram.group("Incidents", forum=True)
    topic = telegram.topic(forum, "Rollbacks")
    root = await bot.chat.post(address(forum, topic), CARD, "d-1")
    await bot.chat.post(address(forum, topic, root.message_id), CARD, "d-2")
    assert [m.topic for m in telegram.messages(forum)] == [topic, topic]
    assert [m.silent for m in telegram.messages(forum)] == [False, True]

    forum.topics.clear()
    await bot.chat.post(address(forum, topic), CARD, "d-3")
    telegram.violations.clear()  # the lost topic was named once more, as it must be to be noticed

    assert telegram.messages(forum)[-1].topic is None


async def test_who_never_started_the_bot_is_answered_in_the_group(
    telegram: TelegramServer, desk: RecordingDesk, bot: Connected
) -> None:
    """One short line under their words, and how to be answered in private next time."""
    shy, chat = telegram.user("Shy", started=False), telegram.group("Incidents")
    said = await telegram.say(shy, chat, "/rollback ap v1")
    await bot.chat.whisper(await desk.heard(), Card("Нет сервиса ap", "Ошибка", Tone.BAD))

    (answer,) = telegram.messages(chat)

    assert answer.reply_to == said.id
    assert "Нет сервиса ap" in answer.text
    assert "личный чат" in answer.text
    person = Identity(platform="telegram", user=str(shy.id))
    with pytest.raises(ChatError):
        await bot.chat.post(Address(address(chat).channel, person=person), CARD, "d-1")


async def test_nobodies_are_answered_in_the_group(
    telegram: TelegramServer, desk: RecordingDesk, bot: Connected
) -> None:
    """An anonymous admin has no private chat: the advice stands under their words."""
    chat = telegram.group("Incidents")
    await telegram.say_as_anonymous_admin(chat, "/rollback api v1.2.3")
    await bot.chat.whisper(await desk.heard(), Card("Пишите от своего имени", "Отказ", Tone.BAD))

    assert "Пишите от своего имени" in telegram.messages(chat)[0].text


async def test_where_we_may_not_write_is_our_error(
    telegram: TelegramServer, bot: Connected
) -> None:
    """Kicked from a group, a group that never was, no address: never an error of another kind."""
    chat = telegram.group("Incidents")
    posted = await bot.chat.post(address(chat), CARD, "d-1")
    telegram.leave(chat)

    with pytest.raises(ChatGoneError):
        await bot.chat.update(posted, Card("p", "готово"))
    for channel in (str(chat.id), "-100777", "", "#general"):
        with pytest.raises(ChatError):
            await bot.chat.post(Address(Channel(platform="telegram", channel=channel)), CARD, "d")


async def test_a_card_in_a_group_that_moved_names_its_new_home(
    telegram: TelegramServer, bot: Connected
) -> None:
    """An edit in the old group fails with the new id, and the next post goes there."""
    small = telegram.group("Small", "group")
    posted = await bot.chat.post(address(small), CARD, "d-1")
    moved = await telegram.migrate(small)

    with pytest.raises(ChatGoneError) as caught:
        await bot.chat.update(posted, Card("p", "готово"))
    anew = await bot.chat.post(address(small), CARD, "d-2")

    assert caught.value.moved_to == str(moved.id)
    assert anew.channel == str(moved.id)


async def test_too_many_requests_are_for_the_relay_to_wait_out(
    telegram: TelegramServer, bot: Connected
) -> None:
    """A card comes back at once with Telegram's retry_after; other chats go on meanwhile."""
    chat, other = telegram.group("Incidents"), telegram.group("Other")
    telegram.fail(1, "429", retry_after_s=37)

    with pytest.raises(ChatError) as caught:
        await bot.chat.post(address(chat), CARD, "d-1")
    await bot.chat.post(address(other), CARD, "d-2")

    assert caught.value.retry_after_s == 37
    assert telegram.messages(chat) == []
    assert len(telegram.messages(other)) == 1


async def test_a_private_word_waits_out_too_many_requests(
    telegram: TelegramServer, desk: RecordingDesk, bot: Connected
) -> None:
    """Nobody would send it again, so it is sent when Telegram takes it."""
    anna = telegram.user("Anna")
    await telegram.say(anna, telegram.private(anna), "/rollback ap v1")
    incoming = await desk.heard()
    telegram.fail(1, "429", retry_after_s=1)

    await bot.chat.whisper(incoming, Card("Нет сервиса ap", "Ошибка", Tone.BAD))

    assert len(telegram.messages(telegram.private(anna))) == 1


async def test_an_outage_is_a_chat_error(telegram: TelegramServer, bot: Connected) -> None:
    """While Telegram is away every call says so in our words, and nothing is lost afterwards."""
    chat = telegram.group("Incidents")
    posted = await bot.chat.post(address(chat), CARD, "d-1")
    await telegram.down()

    with pytest.raises(ChatError):
        await bot.chat.update(posted, Card("p", "готово"))
    await telegram.up()
    await bot.chat.update(posted, Card("p", "готово"))

    assert "готово" in telegram.messages(chat)[0].text


async def test_a_result_is_shown_whole_to_who_never_started_the_bot(
    telegram: TelegramServer, desk: RecordingDesk, bot: Connected
) -> None:
    """Results may be seen by all, so nothing of them is held back."""
    shy, chat = telegram.user("Shy", started=False), telegram.group("Incidents")
    await telegram.say(shy, chat, "/rollback versions api")
    found = Card("Версии api", "Версии api", blocks=(Paragraph("v1.2.3 работала 3 дня"),))
    await bot.chat.whisper(await desk.heard(), found)

    assert "v1.2.3 работала 3 дня" in telegram.messages(chat)[0].text


async def test_the_limit_is_never_tried(telegram: TelegramServer, bot: Connected) -> None:
    """Edits that come too fast are refused here, with the time to wait; Telegram sees none."""
    telegram.limits.enforced = True
    chat = telegram.group("Incidents")
    posted = await bot.chat.post(address(chat), CARD, "d-1")

    async def edit_in_haste() -> None:
        for number in range(100):
            await bot.chat.update(posted, Card("p", f"шаг {number}", Tone.WORKING))

    with pytest.raises(ChatError) as caught:
        await edit_in_haste()

    assert caught.value.retry_after_s is not None
    assert 0 < caught.value.retry_after_s < 2
    tried = telegram.limits.most_in_a_minute(chat.id)
    assert len(telegram.messages(chat)[0].history) == tried >= 4
