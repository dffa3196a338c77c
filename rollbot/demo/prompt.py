"""The demo in a terminal: whoever watches types the words, or has them typed with Enter."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from typing import TextIO

import click

from bot.console.listener import YES
from commands.domain.conversation import Button
from commands.domain.people import Language
from commands.domain.text import Text, text
from commands.locale import say
from rollbot.demo.channel import IncidentChannel
from rollbot.demo.people import ANNA, CAST, Actor


class LeftError(Exception):
    """The person at the terminal has seen enough."""


@dataclass(slots=True)
class Prompt:
    """Asks before each line of the script. Own words are sent first, as often as wanted."""

    channel: IncidentChannel
    stream: TextIO
    language: Language

    async def say(self, actor: Actor, words: str) -> None:
        """Offer the script's words; go on when they were sent. Raises LeftError on `/quit`."""
        people = tuple(person.id for person in CAST)
        self._tell(text("demo.hint", name=actor.name, words=words, people=people))
        if await self._own_words(actor, until=words) != words:
            await self.channel.say(actor, words)

    async def free(self, hint: Text) -> None:
        """Let people type what they want, until an empty line. Raises LeftError on `/quit`."""
        self._tell(hint)
        await self._own_words(ANNA, until="")

    async def _own_words(self, speaker: Actor, until: str) -> str:
        """Say what is typed, up to an empty line or these very words; what was typed last."""
        while True:
            typed = await self._line(speaker)
            match typed.split():
                case []:
                    return ""
                case ["/quit" | "/exit"]:
                    raise LeftError
                case ["/as", name]:
                    speaker = self._chosen(name) or speaker
                case [number] if button := self._button(number):
                    await self._press(speaker, button)
                case _:
                    own = typed.removeprefix("/rollback").strip()
                    await self.channel.say(speaker, own)
                    if own == until:
                        return own
            await self.channel.settled()

    def _button(self, number: str) -> Button | None:
        buttons = self.channel.transcript.buttons
        return buttons[int(number) - 1] if number in map(str, range(1, len(buttons) + 1)) else None

    async def _press(self, speaker: Actor, button: Button) -> None:
        """What hurts is asked once more, as on any chat."""
        if button.confirm is not None:
            click.secho(f"    {button.confirm.title} {button.confirm.text}", file=self.stream)
            self._tell(text("console.yes_or_no"))
            if (await self._line(speaker)).lower() not in YES:
                return
        await self.channel.press(speaker, button)

    async def settled(self) -> None:
        """Wait until the cards show what the journal says."""
        await self.channel.settled()

    async def _line(self, speaker: Actor) -> str:
        click.secho(f"{speaker.id}> ", file=self.stream, nl=False, bold=True)
        self.stream.flush()
        loop, line = asyncio.get_running_loop(), asyncio.get_running_loop().create_future()

        def typed() -> None:
            loop.remove_reader(sys.stdin)
            line.set_result(sys.stdin.readline())

        loop.add_reader(sys.stdin, typed)
        try:
            said: str = await line
        finally:
            loop.remove_reader(sys.stdin)
        if not said:
            raise LeftError
        return said.strip()

    def _chosen(self, name: str) -> Actor | None:
        for actor in CAST:
            if actor.id == name:
                self._tell(text("demo.now_as", name=actor.name))
                return actor
        people = tuple(person.id for person in CAST)
        self._tell(text("demo.no_such_person", people=people))
        return None

    def _tell(self, words: Text) -> None:
        click.secho(f"    {say(words, self.language)}", file=self.stream, fg="cyan")
