"""The Telegram stand-in behaves as Telegram does, seen through python-telegram-bot."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from telegram import Bot, BotCommand, InlineKeyboardButton, InlineKeyboardMarkup
from telegram.error import BadRequest, ChatMigrated, Forbidden, NetworkError, RetryAfter

from tests.servers.telegram import TelegramServer


@pytest_asyncio.fixture
async def telegram() -> AsyncIterator[TelegramServer]:
    async with TelegramServer() as server:
        yield server


@pytest_asyncio.fixture
async def bot(telegram: TelegramServer) -> AsyncIterator[Bot]:
    async with Bot(telegram.token, base_url=f"{telegram.api_url}/bot") as client:
        yield client


def keyboard(*data: str) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup([[InlineKeyboardButton(d, callback_data=d) for d in data]])


async def test_an_update_stays_until_the_offset_passes_it(
    telegram: TelegramServer, bot: Bot
) -> None:
    """A poll repeated with the same offset brings the same updates again."""
    anna, chat = telegram.user("Anna"), telegram.group("Incidents")
    await telegram.say(anna, chat, "/rollback api v1.2.3")

    (first,) = await bot.get_updates(timeout=0)
    (again,) = await bot.get_updates(timeout=0)
    after = await bot.get_updates(offset=first.update_id + 1, timeout=0)

    assert again.update_id == first.update_id
    assert first.message is not None
    assert first.message.text == "/rollback api v1.2.3"
    assert after == ()


async def test_a_long_poll_ends_as_soon_as_somebody_speaks(
    telegram: TelegramServer, bot: Bot
) -> None:
    """A waiting poll answers at once when a message arrives."""
    anna = telegram.user("Anna")
    poll = asyncio.ensure_future(bot.get_updates(timeout=20))
    await telegram.say(anna, telegram.private(anna), "/start")
    updates = await asyncio.wait_for(poll, 15)

    assert updates[0].effective_user is not None
    assert updates[0].effective_user.id == anna.id


async def test_sent_html_is_read_and_checked(telegram: TelegramServer, bot: Bot) -> None:
    """Well-formed HTML arrives as text; an unknown tag is refused and recorded."""
    chat = telegram.group("Incidents")
    await bot.send_message(chat.id, "<b>a &lt; b</b>", parse_mode="HTML")

    assert [m.text for m in telegram.messages(chat)] == ["a < b"]
    telegram.assert_clean()

    with pytest.raises(BadRequest, match=r"(?i)Unsupported start tag"):
        await bot.send_message(chat.id, "<h1>x</h1>", parse_mode="HTML")
    with pytest.raises(AssertionError, match="bad HTML"):
        telegram.assert_clean()


@pytest.mark.parametrize(
    ("text", "data", "complaint"),
    [("x" * 4097, "ok", "4097 characters"), ("x", "я" * 33, "callback_data of 66 bytes")],
)
async def test_what_is_too_long_is_refused(
    telegram: TelegramServer, bot: Bot, text: str, data: str, complaint: str
) -> None:
    """Messages over 4,096 characters and callback data over 64 bytes are violations."""
    chat = telegram.group("Incidents")

    with pytest.raises(BadRequest):
        await bot.send_message(chat.id, text, reply_markup=keyboard(data))
    assert complaint in telegram.violations[0]


async def test_edits_need_a_message_and_a_change(telegram: TelegramServer, bot: Bot) -> None:
    """An identical edit and an edit of a deleted message fail in Telegram's words."""
    chat = telegram.group("Incidents")
    sent = await bot.send_message(chat.id, "one", reply_markup=keyboard("go"))
    await bot.edit_message_text("two", chat.id, sent.message_id, reply_markup=keyboard("go"))

    with pytest.raises(BadRequest, match=r"(?i)message is not modified"):
        await bot.edit_message_text("two", chat.id, sent.message_id, reply_markup=keyboard("go"))
    (message,) = telegram.messages(chat)
    assert message.history == ["one", "two"]

    await telegram.delete(message)
    with pytest.raises(BadRequest, match=r"(?i)message to edit not found"):
        await bot.edit_message_text("three", chat.id, sent.message_id)
    telegram.assert_clean()


async def test_presses_must_be_answered(telegram: TelegramServer, bot: Bot) -> None:
    """A fetched press that got no answer is a violation; an expired one answers "too old"."""
    anna, chat = telegram.user("Anna"), telegram.group("Incidents")
    sent = await bot.send_message(chat.id, "sure?", reply_markup=keyboard("yes", "no"))
    shown = telegram.message(chat, sent.message_id)
    assert shown is not None
    press = await telegram.press(anna, shown, "yes")
    (update,) = await bot.get_updates(timeout=0)

    with pytest.raises(AssertionError, match="not answered"):
        telegram.assert_clean()
    assert update.callback_query is not None
    await update.callback_query.answer("done")
    assert await telegram.answered(press) == "done"
    telegram.assert_clean()

    telegram.expire(press)
    with pytest.raises(BadRequest, match=r"(?i)query is too old"):
        await bot.answer_callback_query(press.id)


async def test_faults_happen_when_asked_for(telegram: TelegramServer, bot: Bot) -> None:
    """429 and 500 are answers; a reset does nothing; a lost reply was carried out."""
    chat = telegram.group("Incidents")

    telegram.fail(1, "429", retry_after_s=7)
    with pytest.raises(RetryAfter):
        await bot.send_message(chat.id, "never")
    for kind in ("500", "reset"):
        telegram.fail(1, kind)
        with pytest.raises(NetworkError):
            await bot.send_message(chat.id, "never")
    telegram.fail(1, "lost")
    with pytest.raises(NetworkError):
        await bot.send_message(chat.id, "carried out")
    await telegram.down()
    with pytest.raises(NetworkError):
        await bot.send_message(chat.id, "never")
    await telegram.up()
    await bot.send_message(chat.id, "back")

    assert [m.text for m in telegram.messages(chat)] == ["carried out", "back"]


async def test_groups_move_and_people_must_start_the_bot(
    telegram: TelegramServer, bot: Bot
) -> None:
    """A migrated group names its new id; a person who never wrote cannot be written to."""
    group, shy = telegram.group("Small", "group"), telegram.user("Shy", started=False)
    moved = await telegram.migrate(group)

    with pytest.raises(ChatMigrated) as caught:
        await bot.send_message(group.id, "hello")
    assert caught.value.new_chat_id == moved.id
    with pytest.raises(Forbidden):
        await bot.send_message(shy.id, "hello")


async def test_topics_limits_and_commands(bot: Bot, telegram: TelegramServer) -> None:
    """Threads must exist, the 21st message of a minute is refused, commands are kept by scope."""
    forum = telegram.group("Forum", forum=True)
    topic = telegram.topic(forum, "Rollbacks")
    await bot.send_message(forum.id, "here", message_thread_id=topic)
    assert telegram.messages(forum)[-1].topic == topic
    with pytest.raises(BadRequest, match=r"(?i)thread not found"):
        await bot.send_message(forum.id, "nowhere", message_thread_id=topic + 50)

    telegram.limits.enforced, telegram.limits.chat_burst = True, 1000
    busy = telegram.group("Busy")
    for number in range(20):
        await bot.send_message(busy.id, str(number))
    with pytest.raises(RetryAfter):
        await bot.send_message(busy.id, "one too many")

    await bot.set_my_commands([BotCommand("rollback", "Откатить")], language_code="ru")
    assert telegram.commands["default", "ru"][0]["command"] == "rollback"


async def test_strangers_to_identity_are_played(telegram: TelegramServer, bot: Bot) -> None:
    """Anonymous admins, channels, forwards and edits look as Telegram delivers them."""
    anna, chat = telegram.user("Anna"), telegram.group("Incidents")
    channel = telegram.group("News", "channel")
    await telegram.say_as_anonymous_admin(chat, "/rollback")
    await telegram.say_as_channel(channel, chat, "/rollback")
    said = await telegram.say(anna, chat, "/rollback")
    await telegram.forwarded(anna, chat, said)
    await telegram.edited(said, "/rollback api")
    await telegram.post(channel, "/rollback")
    await telegram.say(anna, chat, "just talking")

    seen = await bot.get_updates(timeout=0, allowed_updates=[])
    assert [u.effective_user.id if u.effective_user else None for u in seen] == [
        1087968824,
        136817688,
        anna.id,
        anna.id,
        anna.id,
        None,
    ]
    assert seen[3].message is not None
    assert seen[3].message.forward_origin is not None
    assert seen[4].edited_message is not None
    assert seen[5].channel_post is not None
