"""Where everything of one demo is: folders and ports, all its own."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field
from pathlib import Path

from rollbot.demo.ports import kept_ports

SERVICES = ("api", "worker", "frontend")


@dataclass(frozen=True, slots=True)
class Places:
    """One demo's folder, and the loopback ports it took."""

    root: Path
    redis_port: int
    engine_port: int
    database_port: int
    ports: dict[str, int] = field(default_factory=dict)
    kept: tuple[socket.socket, ...] = field(default=(), repr=False)

    @classmethod
    def taken(cls, root: Path) -> Places:
        """Make the folders under `root` and keep ports until `let_go`."""
        kept = kept_ports(3 + len(SERVICES))
        redis_port, engine_port, database_port, *ports = (one.getsockname()[1] for one in kept)
        ports_of = dict(zip(SERVICES, ports, strict=True))
        places = cls(root, redis_port, engine_port, database_port, ports_of, kept)
        for folder in (places.project, places.state, places.logs, places.engine, places.redis):
            folder.mkdir()
        for folder in (places.database, places.backups):
            # PostgreSQL wants its own for itself alone; a dump holds what its tables hold.
            folder.mkdir(mode=0o700)
        return places

    def let_go(self) -> None:
        """Others may have the ports now. Safe to repeat."""
        for one in self.kept:
            one.close()

    @property
    def project(self) -> Path:
        """The Compose project, also the git repository."""
        return self.root / "samokoder"

    @property
    def state(self) -> Path:
        """ROLLBOT_STATE_DIR."""
        return self.root / "state"

    @property
    def logs(self) -> Path:
        """What every process said, one file each."""
        return self.root / "logs"

    @property
    def engine(self) -> Path:
        """The embedded engine's own state."""
        return self.root / "engine"

    def image(self, digest: str) -> Path:
        """The folder that the engine has for the files of an image."""
        return self.engine / "images" / digest.removeprefix("sha256:")

    @property
    def redis(self) -> Path:
        """Valkey's append-only file."""
        return self.root / "redis"

    @property
    def database(self) -> Path:
        """PostgreSQL's data."""
        return self.root / "database"

    @property
    def backups(self) -> Path:
        """The folder of the database's backups."""
        return self.root / "backups"

    @property
    def runbook(self) -> Path:
        """The demo's runbook.toml."""
        return self.root / "runbook.toml"

    @property
    def redis_url(self) -> str:
        """Where the journal and the queue are."""
        return f"redis://127.0.0.1:{self.redis_port}/0"

    @property
    def engine_url(self) -> str:
        """Where the embedded engine listens."""
        return f"http://127.0.0.1:{self.engine_port}"

    def url(self, service: str, path: str = "/") -> str:
        """An address of one service of the demo's Samokoder."""
        return f"http://127.0.0.1:{self.ports[service]}{path}"
