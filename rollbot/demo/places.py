"""Where everything of one demo is: folders and ports, all its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from rollbot.demo.ports import free_ports

SERVICES = ("api", "worker", "frontend")


@dataclass(frozen=True, slots=True)
class Places:
    """One demo's folder, and the loopback ports it took."""

    root: Path
    redis_port: int
    engine_port: int
    ports: dict[str, int] = field(default_factory=dict)

    @classmethod
    def taken(cls, root: Path) -> Places:
        """Make the folders under `root` and find free ports."""
        redis_port, engine_port, *ports = free_ports(2 + len(SERVICES))
        places = cls(root, redis_port, engine_port, dict(zip(SERVICES, ports, strict=True)))
        for folder in (places.project, places.state, places.logs, places.engine, places.redis):
            folder.mkdir()
        return places

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

    @property
    def redis(self) -> Path:
        """Valkey's append-only file."""
        return self.root / "redis"

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
