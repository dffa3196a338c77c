"""rollbot as a team deploys it: compose.yml and the image, beside the project it rolls back."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex

import docker
from docker.models.containers import Container

from commands.store.opening import Access, Store, open_store
from tests.engines.found import ROOT
from tests.engines.ports import free_port
from tests.engines.waiting import eventually
from tests.stack.compose import Compose
from tests.stack.machine_image import machine_image
from tests.stack.project import containers_of, remove_project
from tests.stack.runbook_file import ENVIRONMENT

PROCESSES = ("redis", "bot", "worker", "observer")


@dataclass(slots=True)
class Deployment:
    """The four processes of one rollbot, as containers of a Compose project of their own."""

    engine: docker.DockerClient
    compose: Compose
    image: str
    directory: Path
    name: str = field(default_factory=lambda: f"rollbot-{token_hex(4)}")
    redis_port: int = field(default_factory=free_port)
    journal_key: str = field(default_factory=lambda: token_hex(32))

    redis_password: str = field(default_factory=lambda: token_hex(32))

    @property
    def redis_url(self) -> str:
        """The queue and journal, as seen from the host."""
        return f"redis://:{self.redis_password}@127.0.0.1:{self.redis_port}/0"

    def write(self, runbook: str, project_dir: Path, settings: Mapping[str, str]) -> None:
        """Lay the folder out as docs/install.md says. `settings` are further lines of `.env`."""
        shutil.copy(ROOT / "compose.yml", self.directory)
        (self.directory / "runbook.toml").write_text(runbook)
        lines = {
            "COMPOSE_PROJECT_NAME": self.name,
            "ROLLBOT_IMAGE": self.image,
            "REDIS_IMAGE": machine_image(self.engine),
            "ROLLBOT_REDIS_PORT": str(self.redis_port),
            "REDIS_PASSWORD": self.redis_password,
            "PROJECT_DIR": str(project_dir),
            "BACKUPS_DIR": str(self.directory / "backups"),
            "ROLLBOT_JOURNAL_KEY_PRODUCTION": self.journal_key,
            "ROLLBOT_HEALTH_EVERY": "2s",
            **settings,
        }
        (self.directory / ".env").write_text("".join(f"{k}={v}\n" for k, v in lines.items()))

    def up(self, *processes: str) -> None:
        """Start these processes, or all; the base image of Redis and ours are there already."""
        self.compose.run(self.directory, "--file", "compose.yml", "up", "-d", *processes)

    def container(self, process: str) -> Container:
        found = containers_of(self.engine, self.name, process)
        assert len(found) == 1, f"{process} has {len(found)} containers"
        return found[0]

    def say(self, *words: str) -> tuple[int, str]:
        """Say words to rollbot in the worker's container, as root; exit code and answer."""
        done = self.container("worker").exec_run(["rollbot", "rollback", *words])
        assert isinstance(done.output, bytes)
        return int(done.exit_code or 0), done.output.decode()

    def start_saying(self, *words: str) -> None:
        """Like `say`, for words whose answer comes later: nobody waits for it."""
        self.container("worker").exec_run(["rollbot", "rollback", *words], detach=True)

    @contextmanager
    def store(self) -> Iterator[Store]:
        """The memory of this deployment, read from outside."""
        access = Access(
            environment=ENVIRONMENT,
            redis_url=self.redis_url,
            key=self.journal_key.encode(),
            state_dir=self.directory,
        )
        opened = open_store(access)
        yield opened
        opened.client.close()

    def await_healthy(self, *processes: str, within_s: float = 120) -> None:
        """Wait until Docker says so of each; a failure shows what the process said last."""
        for process in processes or PROCESSES:
            self._await_one_healthy(process, within_s)

    def health(self, process: str) -> str:
        """What Docker says of the process: `starting`, `healthy` or `unhealthy`."""
        state = self.container(process).attrs["State"]
        return str(state.get("Health", {}).get("Status", state["Status"]))

    def log(self, process: str, lines: int = 20) -> str:
        return self.container(process).logs(tail=lines).decode()

    def _await_one_healthy(self, process: str, within_s: float) -> None:
        eventually(
            lambda: self.health(process) == "healthy",
            within_s=within_s,
            every_s=0.2,
            what=lambda: f"{process} is healthy. It said:\n{self.log(process)}",
        )

    def down(self) -> None:
        """Remove what this deployment made, and nothing else. Safe to repeat."""
        remove_project(self.engine, self.name)
