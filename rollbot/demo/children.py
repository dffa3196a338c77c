"""The processes the demo starts: each is ended by its own id, whatever happens."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_PATIENCE_S = 5.0
_LOOK_S = 0.5


@dataclass(slots=True)
class Child:
    """One process: what is run, with what environment, and where its output goes."""

    name: str
    argv: tuple[str, ...]
    environment: dict[str, str]
    directory: Path
    log: Path
    is_ours: bool = False
    ending: signal.Signals = signal.SIGTERM
    user: str = "-"
    process: subprocess.Popen[bytes] | None = None
    asked: bool = False

    def start(self) -> None:
        """Start it, tied to this process: it ends when the demo is killed, too."""
        bound = [sys.executable, "-m", "rollbot.demo.bound", str(os.getpid())]
        # Asked to end, a worker finishes its step, which without its Redis takes minutes.
        orphaned = signal.SIGKILL if self.is_ours else self.ending
        bound += [str(int(orphaned)), self.user, *self.argv]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                bound,
                cwd=self.directory,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def is_running(self) -> bool:
        """Whether its process is there."""
        return self.process is not None and self.process.poll() is None

    def ask_to_end(self) -> None:
        """Send its signal once, if it still runs: to a worker a second one means "at once"."""
        if self.is_running and self.process is not None and not self.asked:
            self.process.send_signal(self.ending)
            self.asked = True

    def end(self) -> None:
        """Ask it to end, insist after 5 s."""
        if self.process is None:
            return
        self.ask_to_end()
        try:
            self.process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@dataclass(slots=True)
class Children:
    """All of them, ended in reverse order. Start them from the main thread.

    (The kernel ties a child's life to the thread that started it, see `rollbot.demo.death`.)
    """

    logs: Path
    directory: Path
    _all: list[Child] = field(default_factory=list)

    def start(
        self,
        name: str,
        argv: Sequence[str],
        environment: Mapping[str, str],
        *,
        is_ours: bool = False,
        ending: signal.Signals = signal.SIGTERM,
        user: str = "-",
    ) -> Child:
        """Start one more process. `is_ours`: rollbot's own, ended before what it stands on.

        `ending` is the signal that ends it, `user` whom it runs as (`65534:65534`; - is as we do).
        """
        log = self.logs / f"{name}.log"
        child = Child(
            name, tuple(argv), dict(environment), self.directory, log, is_ours, ending, user
        )
        child.start()
        self._all.append(child)
        return child

    async def tend(self) -> None:
        """Start anew what ended, until cancelled: the demo is its own supervisor.

        Whoever watches may kill anything, Valkey and the engine included, and see it go on.
        """
        while True:
            await asyncio.sleep(_LOOK_S)
            for child in self._all:
                if not child.is_running:
                    child.start()

    def end(self) -> None:
        """End every one: rollbot's own first, then what they stand on. Safe to repeat."""
        for child in self._all:
            if child.is_ours:
                child.ask_to_end()
        for child in reversed(self._all):
            child.end()
        self._all.clear()
