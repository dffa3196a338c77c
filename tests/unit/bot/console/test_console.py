"""The terminal as a channel: cards in, changed lines out, numbers that press buttons."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest

from bot.cards import rollback_card
from bot.console.chat import ConsoleChat
from bot.console.listener import ConsoleListener
from bot.console.renderer import lines
from commands.domain.conversation import Address, Card, Paragraph
from commands.domain.errors import RefusedError, RollbotError, StoreUnavailableError
from commands.domain.people import Identity
from commands.domain.runbook import Channel
from tests.cards.words import view_of
from tests.fakes.desk import RecordingDesk

HOME = Channel(platform="console", channel="production")
ANNA = Identity(platform="console", user="anna")


def terminal() -> tuple[ConsoleListener, RecordingDesk, io.StringIO]:
    desk, stream = RecordingDesk(), io.StringIO()
    chat = ConsoleChat(stream)
    return ConsoleListener(desk, chat, ANNA, HOME, session="s"), desk, stream


def waiting() -> Card:
    return rollback_card(view_of("waiting", "ru"))


async def test_words_go_to_the_desk_as_they_were_typed() -> None:
    """`/rollback` may be typed or left out; each line is one delivery."""
    listener, desk, _ = terminal()

    await listener.hear("/rollback api v1.2.3")
    await listener.hear("status")
    await listener.hear("")

    assert [said.words for said in desk.accepted] == ["api v1.2.3", "status"]
    assert len({said.delivery_id for said in desk.accepted}) == 2
    assert {said.identity for said in desk.accepted} == {ANNA}


async def test_a_number_presses_a_button_once_it_is_confirmed() -> None:
    """What hurts asks once more; "да" hands the button in, with its value unchanged."""
    listener, desk, stream = terminal()
    await listener.chat.post(Address(HOME), waiting(), "card")

    await listener.hear("1")
    assert desk.accepted == []
    assert "Точно одобрить?" in stream.getvalue()
    await listener.hear("да")

    (pressed,) = desk.accepted
    assert (pressed.kind, pressed.words) == ("button", waiting().buttons[0].value)


async def test_anything_but_yes_presses_nothing() -> None:
    """A confirm that is not answered with yes is forgotten."""
    listener, desk, _ = terminal()
    await listener.chat.post(Address(HOME), waiting(), "card")

    await listener.hear("1")
    await listener.hear("нет")
    await listener.hear("99")

    assert [said.kind for said in desk.accepted] == ["words"]


async def test_an_edit_prints_only_what_changed() -> None:
    """A transcript reads like a channel: the unchanged lines of a card are not said again."""
    listener, _, stream = terminal()
    card = rollback_card(view_of("executing", "ru"))
    message = await listener.chat.post(Address(HOME), card, "card")
    before = len(stream.getvalue())

    await listener.chat.update(message, rollback_card(view_of("verifying", "ru")))
    await listener.chat.update(message, rollback_card(view_of("verifying", "ru")))

    told = stream.getvalue()[before:]
    assert told.count("Переключено, проверяю.") == 1
    assert "Закрепить APP_VERSION" not in told
    assert "Продержаться 30 с" in told


async def test_another_persons_direct_message_is_not_printed() -> None:
    """The terminal shows the channel, not what others are told in private."""
    listener, _, stream = terminal()

    await listener.chat.post(Address(HOME, person=ANNA), waiting(), "dm")

    assert stream.getvalue() == ""


@pytest.mark.parametrize(
    "why", [StoreUnavailableError(), RefusedError("refused.too_long", length=9_000, limit=8_000)]
)
async def test_what_is_not_accepted_is_said_at_once(why: RollbotError) -> None:
    """A store that is away, words without end: not silently lost, and the terminal goes on."""
    listener, desk, stream = terminal()
    desk.failure = why

    await listener.hear("api v1.2.3")

    assert "не принят" in stream.getvalue().lower()


@pytest.mark.parametrize("story", ["waiting_full", "failed", "succeeded_full", "rehearsed"])
def test_a_card_is_readable_at_100_columns(story: str) -> None:
    """No line of a card is wider than the terminal."""
    for line in lines(rollback_card(view_of(story, "ru"))):
        assert len(line) <= 100, line


def test_nobodys_words_move_the_cursor() -> None:
    """Control characters of a reason are blanks on a terminal."""
    card = replace(waiting(), blocks=(Paragraph("\x1b[2Jhello\x07"),), headline="a\rb")

    assert all(line.isprintable() for line in lines(card))
