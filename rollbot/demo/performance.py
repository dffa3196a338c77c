"""One performance of the demo: the world, rollbot's own processes, the play, the curtain."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from commands.domain.people import Language
from commands.domain.text import text
from commands.runbook import read_runbook
from rollbot.demo.acts import FIRST_RELEASE, WITH_DATABASE, WITHOUT_DATABASE, Act
from rollbot.demo.channel import IncidentChannel, opened
from rollbot.demo.narrator import PrintedNarrator
from rollbot.demo.play import Play
from rollbot.demo.prompt import LeftError, Prompt
from rollbot.demo.record import Record, told
from rollbot.demo.sight import Sight
from rollbot.demo.stack import DemoError
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
    engine: str
    interactive: bool
    as_json: bool

    def give(self) -> bool:
        """Play it all; whether every act ended as it should. Leaves no process behind.

        Its folder stays when something went wrong, for the logs in it. Raises DemoError, and
        KeyboardInterrupt on Ctrl-C and SIGTERM, when everything has been ended.
        """
        before = signal.signal(signal.SIGTERM, _leave)
        # A script's background process is born deaf to SIGINT, and SIGTERM goes that way.
        heard = signal.signal(signal.SIGINT, signal.default_int_handler)
        root = Path(tempfile.mkdtemp(prefix="rollbot-demo-"))
        is_kept = False
        try:
            is_kept = not self._play(root)
        except DemoError:
            is_kept = True
            narrator = PrintedNarrator(self.stream, self.language)
            narrator.tell(text("demo.logs_kept", folder=str(root / "logs")))
            raise
        finally:
            signal.signal(signal.SIGTERM, before)
            signal.signal(signal.SIGINT, heard)
            if not is_kept:
                shutil.rmtree(root)
        return not is_kept

    @property
    def _has_database(self) -> bool:
        return self.engine == "embedded"

    def _acts(self) -> tuple[Act, ...]:
        return WITH_DATABASE if self._has_database else WITHOUT_DATABASE

    def _play(self, root: Path) -> bool:
        world = World.started(root, self.language, self.engine, has_database=self._has_database)
        try:
            world.deploy(FIRST_RELEASE)
            for process in PROCESSES:
                variables = world.environment(asks_database=process != "bot")
                world.children.start(process, (*_ROLLBOT, process), variables, is_ours=True)
            return self._play_in(world)
        finally:
            world.close()

    def _play_in(self, world: World) -> bool:
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
            tending = asyncio.create_task(sight.world.children.tend())
            try:
                if self.interactive:
                    return await self._with_people(sight, channel, narrator)
                ended_well = await Play(sight, channel, narrator).perform(self._acts())
            finally:
                tending.cancel()
        narrator.tell(text("demo.all_well") if ended_well else text("demo.not_all_well"))
        return ended_well

    async def _with_people(
        self, sight: Sight, channel: IncidentChannel, narrator: PrintedNarrator
    ) -> bool:
        """The same acts at the audience's pace; nothing that they do is a failure."""
        prompt = Prompt(channel, self.stream, self.language)
        try:
            play = Play(sight, prompt, narrator, at_a_loss=prompt.free)
            await play.perform(self._acts())
            await prompt.free(text("demo.curtain"))
        except LeftError:
            return True
        return True


def _leave(*_: object) -> None:
    """SIGTERM ends the demo as Ctrl-C does: everything it started is ended first."""
    signal.raise_signal(signal.SIGINT)
