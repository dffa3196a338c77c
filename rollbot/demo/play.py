"""Plays the acts: deploys, speaks, and waits for what the journal must say."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from commands.domain.errors import StoreUnavailableError
from commands.domain.text import Text, text
from rollbot.demo.acts import Act, Await, Deploy, Move, Say, Tell
from rollbot.demo.people import Actor
from rollbot.demo.places import SERVICES
from rollbot.demo.sight import Sight

_LOOK_S = 0.05


class Face(Protocol):
    """Where people of the demo speak. The channel's cards come out of it by themselves."""

    async def say(self, actor: Actor, words: str) -> None:
        """Somebody says `/rollback <words>` in the incident channel."""
        ...

    async def settled(self) -> None:
        """The cards show what the journal says."""
        ...


class Narrator(Protocol):
    """Tells the audience what is going on, in its language."""

    def title(self, title: Text) -> None:
        """An act begins."""
        ...

    def tell(self, words: Text) -> None:
        """One sentence of the narrator's."""
        ...

    def deployed(self, words: Text) -> None:
        """The team's pipeline did something."""
        ...

    def met(self, what: Text, seconds: float) -> None:
        """What was waited for is true, after so long."""
        ...

    def not_met(self, what: Text, seconds: float, folder: str) -> None:
        """What was waited for did not come; the folder has what the processes said."""
        ...

    def wrong(self, reasons: tuple[Text, ...]) -> None:
        """Why the newest rollback went wrong, if it did."""
        ...


@dataclass(slots=True)
class Play:
    """The acts, one after the other.

    What is not in time, or went wrong, ends the play; unless `at_a_loss` asks the people at the
    terminal, who may have tried what the script does not, and then goes on.
    """

    sight: Sight
    face: Face
    narrator: Narrator
    at_a_loss: Callable[[Text], Awaitable[None]] | None = None
    failed: list[Text] = field(default_factory=list)

    async def perform(self, acts: Iterable[Act]) -> bool:
        """Play until the end or until something is not as it should be; whether all was."""
        for act in acts:
            self.narrator.title(act.title)
            for move in act.moves:
                await self._make(move)
                if self.failed:
                    return False
        return True

    async def _make(self, move: Move) -> None:
        match move:
            case Tell():
                self.narrator.tell(move.text)
            case Deploy():
                await asyncio.to_thread(self.sight.world.deploy, move.version, move.services)
                services = move.services or SERVICES
                self.narrator.deployed(
                    text("demo.deployed", version=move.version, services=services)
                )
            case Say():
                await self.face.say(move.actor, self.filled_in(move.words))
            case Await():
                await self._wait(move)

    def filled_in(self, words: str) -> str:
        """`{last}` becomes the newest rollback's id."""
        last = self.sight.last()
        return words.replace("{last}", last.id if last else "RB-1")

    async def _wait(self, move: Await) -> None:
        began = time.monotonic()
        while True:
            # Looked at first: what is waited for may be that something went wrong.
            wrong = self._wrong()
            if self._is_true(move):
                break
            waited_s = time.monotonic() - began
            if wrong or waited_s > move.within_s:
                await self._give_up(move, waited_s, wrong)
                return
            await asyncio.sleep(_LOOK_S)
        seconds = time.monotonic() - began
        await self.face.settled()
        self.narrator.met(move.what, seconds)

    async def _give_up(self, move: Await, waited_s: float, wrong: tuple[Text, ...]) -> None:
        await self.face.settled()
        self.narrator.not_met(move.what, waited_s, str(self.sight.world.places.logs))
        self.narrator.wrong(wrong)
        if self.at_a_loss is None:
            self.failed.append(move.what)
        else:
            await self.at_a_loss(text("demo.at_a_loss"))

    def _wrong(self) -> tuple[Text, ...]:
        try:
            return self.sight.wrong()
        except StoreUnavailableError:
            return ()

    def _is_true(self, move: Await) -> bool:
        try:
            return move.question(self.sight)
        except StoreUnavailableError:
            # Redis is being restarted, as somebody who tries the demo may do: ask again.
            return False
