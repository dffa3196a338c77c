"""rollbot itself, running: bot, worker and observer as processes beside a stand-in project."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from commands.domain.command import Actor, Ask, Command
from commands.domain.decide import Decision
from commands.domain.events import AnyEvent, Event
from commands.domain.people import Identity
from commands.domain.request import Request
from commands.domain.runbook import Channel
from commands.domain.state import RollbackState
from commands.runbook import parse_runbook
from commands.store.opening import Access, Store, open_async_store, open_store
from tests.engines.redis_server import RedisServer
from tests.engines.waiting import eventually
from tests.stack.project import Samokoder
from tests.stack.runbook_file import ENVIRONMENT

KEY = "0123456789abcdef0123456789abcdef"
ROLLBOT = (sys.executable, "-m", "rollbot")
_WITH_US = ("setpriv", "--pdeathsig", "KILL")


@dataclass(slots=True)
class Installation:
    """One host: the project, Redis, and rollbot's three processes, each by its own pid."""

    project: Samokoder
    redis: RedisServer
    directory: Path
    runbook: str
    chats: dict[str, str] = field(default_factory=dict)
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Write the runbook; nothing runs yet."""
        self.directory.mkdir(parents=True, exist_ok=True)
        (self.directory / "runbook.toml").write_text(self.runbook)

    def start(self, *names: str) -> None:
        """Start processes (default: all three)."""
        for name in names or ("bot", "worker", "observer"):
            self.begin(name)

    def begin(self, name: str, *words: str) -> subprocess.Popen[bytes]:
        """Start `rollbot name …` and leave it running; what it says is its log."""
        with (self.directory / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                [*_WITH_US, *ROLLBOT, name, *words],
                env=self.environment(),
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        return self.running[name]

    def await_worker(self) -> None:
        """Wait until a live worker is known to Redis."""
        eventually(self._has_worker, within_s=120, what=lambda: self.log("worker"))

    def kill(self, name: str, signum: signal.Signals = signal.SIGKILL) -> None:
        """End one process by a signal and wait for it."""
        process = self.running.pop(name)
        process.send_signal(signum)
        process.wait(timeout=120)

    def stop(self) -> None:
        """End everything that was started. Safe to repeat."""
        for name in tuple(self.running):
            self.kill(name)

    def run(self, *words: str, within_s: float = 120) -> subprocess.CompletedProcess[str]:
        """Run `rollbot …` to its end."""
        return subprocess.run(
            [*ROLLBOT, *words],
            env=self.environment(),
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=within_s,
            check=False,
        )

    def environment(self) -> dict[str, str]:
        """Everything the processes are given."""
        compose = self.project.compose
        return {
            **compose.environment,
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "ROLLBOT_RUNBOOK": str(self.directory / "runbook.toml"),
            "ROLLBOT_STATE_DIR": str(self.directory / "state"),
            "REDIS_URL": self.redis.url,
            "ROLLBOT_JOURNAL_KEY_PRODUCTION": KEY,
            **self.chats,
        }

    def store(self) -> Store:
        """A reader of the journal, as the worker has it."""
        return open_store(self.access("reader"))

    def order(self, command: Command, rollback_id: str = "") -> Decision:
        """What a person orders in a chat, decided and written as the bot does it."""

        async def carried() -> Decision:
            store = open_async_store(self.access("orders"))
            runbook = parse_runbook(self.runbook.encode())
            try:
                decision = await store.book.carry(command, rollback_id, runbook, datetime.now(UTC))
                state = await store.book.rollback(decision.rollback_id)
                if decision.work and state is not None:
                    await store.queue.enqueue(decision.rollback_id, state.position)
            finally:
                await store.client.aclose()
            return decision

        return asyncio.run(carried())

    def ask(self, words: Request, person: str = "anna") -> str:
        """Somebody asks, and the plan is there; the rollback's id."""
        actor = self.actor(person)
        home = Channel(platform="console", channel=ENVIRONMENT)
        asked = self.order(Ask(actor, words, home)).rollback_id
        self.await_status("planned", of=asked)
        return asked

    def actor(self, person: str) -> Actor:
        """A person at their terminal."""
        login = parse_runbook(self.runbook.encode()).people[person].login
        return Actor(person, Identity(platform="console", user=login))

    def access(self, name: str) -> Access:
        """How the journal is opened, for a reader of that name."""
        return Access(
            environment=ENVIRONMENT,
            redis_url=self.redis.url,
            key=KEY.encode(),
            state_dir=self.directory / name,
        )

    def state(self, rollback_id: str = "RB-1") -> RollbackState | None:
        """A rollback as it stands now."""
        return self.store().book.rollback(rollback_id)

    def events(self, rollback_id: str = "RB-1") -> list[AnyEvent]:
        """Everything its journal says."""
        return [entry.event for entry in self.store().book.entries(rollback_id)]

    def await_opened(self, number: int) -> None:
        """Wait until the environment's rollback of that number was asked for."""
        book = self.store().book
        eventually(
            lambda: book.environment().last_number >= number,
            within_s=120,
            what=lambda: f"RB-{number} is asked for\n{self.logs()}",
        )

    def await_status(
        self, *statuses: str, of: str = "RB-1", within_s: float = 120
    ) -> RollbackState:
        """Wait until a rollback stands there; the logs are in the failure."""
        store = self.store()

        def there() -> RollbackState | None:
            state = store.book.rollback(of)
            return state if state is not None and state.status.value in statuses else None

        def why() -> str:
            state = store.book.rollback(of)
            at = f"{state.status} {state.reason}" if state else "no journal"
            return f"{statuses} (now {at})\n{self.logs()}"

        found = eventually(there, within_s=within_s, what=why)
        assert found is not None
        return found

    def now(self) -> datetime:
        """What the time is, as the processes say it."""
        return datetime.now(UTC)

    def log(self, name: str) -> str:
        """What one process printed."""
        path = self.directory / f"{name}.log"
        return path.read_text()[-4000:] if path.exists() else ""

    def logs(self) -> str:
        """What all of them printed, for a failure."""
        return "\n".join(f"--- {name}\n{self.log(name)}" for name in ("bot", "worker", "observer"))

    def _has_worker(self) -> bool:
        return bool(self.store().workers(datetime.now(UTC)))


def of_kind(events: Iterable[AnyEvent], kind: type[Event]) -> list[AnyEvent]:
    """The events of one kind, in order."""
    return [event for event in events if isinstance(event, kind)]
