"""The bot process where platforms call it: its address, what it logs, and its end."""

from __future__ import annotations

import asyncio
import os
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

from tests.engines.ports import free_port
from tests.engines.redis_server import RedisServer
from tests.engines.waiting import eventually

ROOT = Path(__file__).parents[2]
BOT = "from rollbot.cli import main; main()"
UP_WITHIN_S = 90


@dataclass(slots=True)
class CalledBot:
    """One deployment of the bot: started any number of times at the same address."""

    folder: Path
    journal: RedisServer
    runbook: bytes
    variables: Mapping[str, str]
    port: int = field(default_factory=free_port)

    @property
    def log(self) -> Path:
        """Everything that any of its processes wrote."""
        return self.folder / "bot.log"

    @asynccontextmanager
    async def running(self) -> AsyncIterator[asyncio.subprocess.Process]:
        """A process that says it is well; ended in order, or by the test, with the block."""
        (self.folder / "runbook.toml").write_bytes(self.runbook)
        with self.log.open("ab") as log:
            child = await asyncio.create_subprocess_exec(
                *(sys.executable, "-c", BOT, "bot"),
                env=self._environment(),
                cwd=ROOT,
                stdout=log,
                stderr=log,
            )
        try:
            await asyncio.to_thread(eventually, self.is_well, within_s=UP_WITHIN_S)
            yield child
        finally:
            if child.returncode is None:
                child.terminate()
            await asyncio.wait_for(child.wait(), UP_WITHIN_S)

    def is_well(self) -> bool:
        """What /healthz says; False as well when nobody is there."""
        return self.health() == HTTPStatus.OK

    def health(self) -> int:
        """The status of /healthz; 0 when nobody is there."""
        try:
            with urllib.request.urlopen(f"{self.origin}/healthz", timeout=5) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "ROLLBOT_RUNBOOK": str(self.folder / "runbook.toml"),
            "ROLLBOT_STATE_DIR": str(self.folder / "state"),
            "ROLLBOT_LISTEN": f"127.0.0.1:{self.port}",
            "REDIS_URL": self.journal.url,
            "ROLLBOT_JOURNAL_KEY_PRODUCTION": "k" * 64,
            **self.variables,
        }
