"""What every chat promises, on the fake and on the real adapters."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from commands.domain.conversation import Address, Button, Card, Code, Paragraph
from commands.domain.errors import ChatError, ChatGoneError
from tests.contract.chat_worlds import WORLDS, ChatWorld


@pytest_asyncio.fixture(params=sorted(WORLDS))
async def world(request: pytest.FixtureRequest) -> AsyncIterator[ChatWorld]:
    async with WORLDS[request.param]() as built:
        yield built


def card(plain: str) -> Card:
    return Card(
        plain=plain,
        headline="RB-17",
        blocks=(Paragraph("<b>Текст</b> & ссылка <http://x>"), Code("tail")),
        buttons=(Button("Одобрить", "approve", "approve:production:RB-17:aaaa"),),
    )


async def test_a_card_is_posted_and_edited_in_place(world: ChatWorld) -> None:
    """What was posted is found by its reference, and an edit changes that very message."""
    posted = await world.chat.post(Address(world.channel), card("ждёт"), "d-1")
    assert "ждёт" in world.shown(posted)

    await world.chat.update(posted, card("готово"))

    assert "готово" in world.shown(posted)
    assert len(world.in_channel()) == 1


async def test_an_edit_may_be_repeated(world: ChatWorld) -> None:
    """The same content again is not an error."""
    posted = await world.chat.post(Address(world.channel), card("ждёт"), "d-1")

    await world.chat.update(posted, card("ждёт"))
    await world.chat.update(posted, card("ждёт"))

    assert "ждёт" in world.shown(posted)


async def test_a_delivery_is_posted_once(world: ChatWorld) -> None:
    """The same delivery id again gives the same message; another id gives another."""
    first = await world.chat.post(Address(world.channel), card("один"), "d-1")
    again = await world.chat.post(Address(world.channel), card("один"), "d-1")
    other = await world.chat.post(Address(world.channel), card("два"), "d-2")

    assert again == first
    assert other != first
    assert len(world.in_channel()) == 2


async def test_an_answer_in_a_thread_hangs_under_its_root(world: ChatWorld) -> None:
    """`thread` is the id of the root message."""
    root = await world.chat.post(Address(world.channel), card("корень"), "d-1")
    detail = await world.chat.post(
        Address(world.channel, thread=root.message_id), card("подробности"), "d-2"
    )

    assert world.root_of(detail) == root.message_id
    assert world.root_of(root) == ""


async def test_a_direct_message_is_for_one_person(world: ChatWorld) -> None:
    """With `person` set nothing appears in the channel, and the message can be edited."""
    sent = await world.chat.post(
        Address(world.channel, person=world.person), card("одобрите"), "d-1"
    )
    await world.chat.update(sent, card("уже решено"))

    assert world.in_channel() == []
    assert len(world.in_private()) == 1
    assert "уже решено" in world.in_private()[0]


async def test_a_whisper_is_for_the_asker_alone(world: ChatWorld) -> None:
    """An error goes to whoever asked; the channel does not see it."""
    incoming = await world.say("api v9.9.9")

    await world.chat.whisper(incoming, card("нет такой версии"))

    assert world.in_channel() == []
    assert any("нет такой версии" in words for words in world.in_private())


async def test_a_deleted_message_is_gone(world: ChatWorld) -> None:
    """Editing what somebody deleted says so; then its delivery is posted anew."""
    posted = await world.chat.post(Address(world.channel), card("ждёт"), "d-1")
    await world.delete(posted)

    with pytest.raises(ChatGoneError):
        await world.chat.update(posted, card("готово"))
    anew = await world.chat.post(Address(world.channel), card("готово"), "d-1")

    assert anew != posted
    assert "готово" in world.shown(anew)


async def test_a_broken_call_is_our_error_and_passes(world: ChatWorld) -> None:
    """A fault of the platform is a ChatError, not its vendor's; the next try works."""
    await world.break_next_call()

    with pytest.raises(ChatError):
        await world.chat.post(Address(world.channel), card("ждёт"), "d-1")
    await world.chat.post(Address(world.channel), card("ждёт"), "d-1")

    assert len(world.in_channel()) == 1


async def test_a_lost_answer_costs_at_most_one_duplicate(world: ChatWorld) -> None:
    """The message is never lost, and repeated at most once for the answer that was."""
    await world.lose_next_answer()

    with pytest.raises(ChatError):
        await world.chat.post(Address(world.channel), card("готово"), "d-1")
    await world.chat.post(Address(world.channel), card("готово"), "d-1")
    await world.chat.post(Address(world.channel), card("готово"), "d-1")

    assert 1 <= len(world.in_channel()) <= 2
