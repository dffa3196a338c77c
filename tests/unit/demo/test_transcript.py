"""The incident channel on one sheet."""

from __future__ import annotations

import io

from commands.domain.conversation import Address, Button, Card, Paragraph
from commands.domain.people import Identity
from commands.domain.runbook import Channel
from rollbot.demo.transcript import Transcript

CHANNEL = Channel(platform="console", channel="production")


def card(*said: str, buttons: tuple[Button, ...] = ()) -> Card:
    blocks = tuple(Paragraph(text) for text in said)
    return Card(plain="RB-1", headline="RB-1", blocks=blocks, buttons=buttons)


async def test_an_edit_prints_only_what_is_new() -> None:
    """A live card does not repeat itself with every step."""
    paper = io.StringIO()
    sheet = Transcript(paper)
    message = await sheet.post(Address(CHANNEL), card("planned"), "card")

    await sheet.update(message, card("planned", "approved"))
    await sheet.update(message, card("planned", "approved"))

    printed = paper.getvalue()
    assert (printed.count("planned"), printed.count("approved")) == (1, 1)


async def test_a_delivery_that_is_repeated_is_printed_once() -> None:
    """The relay may ask twice after a lost answer."""
    paper = io.StringIO()
    sheet = Transcript(paper)

    first = await sheet.post(Address(CHANNEL), card("planned"), "card")
    again = await sheet.post(Address(CHANNEL), card("planned"), "card")

    assert first == again
    assert paper.getvalue().count("planned") == 1


async def test_direct_messages_name_their_reader() -> None:
    """Whoever watches sees who was asked, and with which buttons."""
    paper = io.StringIO()
    sheet = Transcript(paper)
    person = Identity(platform="console", user="olga")
    approve = Button(label="Approve", action="approve", value="approve:production:RB-1:3fa9")

    await sheet.post(Address(CHANNEL, person=person), card("yours", buttons=(approve,)), "dm")

    assert "→ @olga" in paper.getvalue()
    assert "[1 Approve]" in paper.getvalue()
    assert sheet.buttons == (approve,)
