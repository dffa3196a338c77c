"""A process that listens to Slack and keeps what it hears in a file: the prey of kill -9 tests.

Arguments: Web API address, file, and when to die: "before" or "after" it has written, or "never"
(until its standard input ends).
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from pydantic import SecretStr

from bot.slack import connect
from commands.domain.conversation import Incoming
from commands.settings import SlackSettings
from tests.fakes.clock import FixedClock
from tests.fakes.desk import RecordingDesk
from tests.servers.slack import APP_TOKEN, BOT_TOKEN


class FileDesk(RecordingDesk):
    """Persists to a file, one delivery id a line, each once; dies when told to."""

    def __init__(self, file: Path, dies: str) -> None:
        super().__init__()
        self.file, self.dies = file, dies

    async def accept(self, incoming: Incoming) -> bool:
        if self.dies == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        seen = self.file.read_text().splitlines()
        is_new = incoming.delivery_id not in seen
        self.file.write_text("\n".join([*seen, *([incoming.delivery_id] if is_new else [])]))
        if self.dies == "after":
            os.kill(os.getpid(), signal.SIGKILL)
        return is_new


async def listen(api_url: str, file: str, dies: str) -> None:
    settings = SlackSettings(SecretStr(BOT_TOKEN), SecretStr(APP_TOKEN), api_url)
    connected = connect(settings, FileDesk(Path(file), dies), FixedClock())
    await connected.start()
    await asyncio.to_thread(sys.stdin.read)
    await connected.stop()


if __name__ == "__main__":
    asyncio.run(listen(*sys.argv[1:]))
