"""Lines of a terminal become words; a number presses the button shown last."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TextIO

from bot.console.chat import ConsoleChat
from commands.domain.conversation import Button, Card, Code, Incoming, Paragraph, Tone
from commands.domain.errors import RefusedError, StoreError
from commands.domain.people import Identity
from commands.domain.runbook import Channel
from commands.domain.text import text
from commands.locale import say
from commands.ports import Desk

YES = frozenset({"y", "yes", "д", "да"})


@dataclass(slots=True)
class ConsoleListener:
    """Reads one person's words until the stream ends. `session` makes delivery ids unique."""

    desk: Desk
    chat: ConsoleChat
    who: Identity
    home: Channel
    session: str
    _heard: int = 0
    _asked: Button | None = None

    async def run(self, stream: TextIO) -> None:
        """Until the end of input."""
        async for line in _lines(stream):
            await self.hear(line.strip())

    async def hear(self, line: str) -> None:
        """One line: words, a button's number, or the answer to "really?"."""
        if self._asked is not None:
            button, self._asked = self._asked, None
            if line.lower() in YES:
                await self._accept("button", button.value)
            return
        if line.isdigit() and 1 <= int(line) <= len(self.chat.buttons):
            await self._press(self.chat.buttons[int(line) - 1])
        elif line:
            await self._accept("words", line.removeprefix("/rollback").strip())

    async def _press(self, button: Button) -> None:
        if button.confirm is None:
            await self._accept("button", button.value)
            return
        self._asked = button
        confirm = button.confirm
        language = self.desk.language_of(self.who, self.home)
        hint = say(text("console.yes_or_no"), language)
        said = (Paragraph(confirm.text), Code(hint))
        self.chat.show(Card(confirm.title, confirm.title, Tone.WARNING, said))

    async def _accept(self, kind: str, words: str) -> None:
        self._heard += 1
        incoming = Incoming(
            delivery_id=f"console:{self.session}:{self._heard}",
            kind="button" if kind == "button" else "words",
            words=words,
            identity=self.who,
            home=self.home,
            received_at=datetime.now(UTC),
        )
        try:
            await self.desk.accept(incoming)
        except (RefusedError, StoreError) as error:
            self.chat.show(self.desk.refusal(error, incoming))


async def _lines(stream: TextIO) -> AsyncIterator[str]:
    """Lines as they come; a thread waits for the terminal, never the loop."""
    while line := await asyncio.to_thread(stream.readline):
        yield line
