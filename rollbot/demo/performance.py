"""One performance of the demo: the world, rollbot's own processes, the play, the curtain."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from commands.domain.people import Language
from commands.domain.text import text
from commands.runbook import read_runbook
from rollbot.demo.acts import PLAY
from rollbot.demo.channel import opened
from rollbot.demo.narrator import PrintedNarrator
from rollbot.demo.play import Face, Play
from rollbot.demo.prompt import LeftError, Prompt
from rollbot.demo.record import Record, told
from rollbot.demo.sight import Sight
from rollbot.demo.transcript import Transcript
from rollbot.demo.world import World

# The same program as this one, whatever way it was started.
_ROLLBOT = (sys.executable, "-c", "from rollbot.cli import main; main()")
PROCESSES = ("worker", "observer", "bot")


@dataclass(frozen=True, slots=True)
class Performance:
    """How the demo is given: where the words go, who types, what is printed at the end."""

    stream: TextIO
    language: Language
    interactive: bool
    as_json: bool

    def give(self) -> bool:
        """Play it all; whether every act ended as it should. Leaves no process behind."""
        with tempfile.TemporaryDirectory(prefix="rollbot-demo-") as root:
            world = World.started(Path(root))
            ends = signal.signal(signal.SIGTERM, _leave)
            try:
                return self._play(world)
            finally:
                signal.signal(signal.SIGTERM, ends)
                world.close()

    def _play(self, world: World) -> bool:
        for process in PROCESSES:
            world.children.start(process, (*_ROLLBOT, process), world.environment(), restart=True)
        record = Record.opened(world.access())
        try:
            ended_well = asyncio.run(self._perform(Sight(record, world)))
            if self.as_json:
                for state in record.rollbacks():
                    sys.stdout.write(json.dumps(told(state), ensure_ascii=False) + "\n")
        finally:
            record.close()
        return ended_well

    async def _perform(self, sight: Sight) -> bool:
        narrator = PrintedNarrator(self.stream, self.language)
        narrator.tell(text("demo.intro", folder=str(sight.world.places.root)))
        runbook = read_runbook(sight.world.places.runbook)
        async with opened(sight.world, runbook, Transcript(self.stream)) as channel:
            face: Face = channel
            if self.interactive:
                face = Prompt(channel, self.stream, self.language)
            play = Play(sight, face, narrator, sight.world.children.tend, not self.interactive)
            try:
                ended_well = await play.perform(PLAY)
            except LeftError:
                return True
        narrator.tell(text("demo.all_well") if ended_well else text("demo.not_all_well"))
        return ended_well


def _leave(*_: object) -> None:
    """SIGTERM ends the demo as Ctrl-C does: everything it started is ended first."""
    raise KeyboardInterrupt
