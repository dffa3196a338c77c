"""The demo's Compose project: its files, its releases and its git history."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rollbot.demo.places import REGISTRY, SERVICES, Places, repository_of


@dataclass(frozen=True, slots=True)
class Release:
    """One release of Samokoder: when it was built and what went into it."""

    version: str
    built_at: datetime
    commits: tuple[str, ...]

    @property
    def revision(self) -> str:
        """The migration that the release's code expects."""
        return f"r{self.version.removeprefix('v').replace('.', '')}"


def _on(day: int) -> datetime:
    return datetime(2025, 9, day, 12, 0, tzinfo=UTC)


RELEASES = (
    Release("v1.2.2", _on(8), ("Import projects from GitHub",)),
    Release("v1.2.3", _on(15), ("Keep the editor's cursor after saving",)),
    Release("v1.3.0", _on(22), ("Cache sessions in the api", "Drop the old session table's reads")),
    Release("v1.3.1", _on(24), ("Generate files in parallel", "New start page")),
    Release("v1.9.8", _on(25), ("Read settings from the vault",)),
    Release("v1.9.9", _on(26), ("Wait for the vault at start",)),
)


def write_project(places: Places) -> None:
    """Write the Compose file: one APP_VERSION for all three services, as in life (hazard H7)."""
    lines = ["services:"]
    for service in SERVICES:
        lines += [
            f"  {service}:",
            f"    image: {repository_of(service)}:${{APP_VERSION:?set a version}}",
            f"    container_name: samokoder-{service}",
            f'    ports: ["127.0.0.1:{places.ports[service]}:8000"]',
            "    restart: unless-stopped",
        ]
    for store, tag in (("postgres", "15"), ("redis", "7")):
        name = "db" if store == "postgres" else store
        lines += [
            f"  {name}:",
            f"    image: {REGISTRY}/{store}:{tag}",
            f"    container_name: samokoder-{name}",
        ]
    (places.project / "docker-compose.yml").write_text("\n".join(lines) + "\n")


def pin(project: Path, version: str) -> None:
    """What the demo's deploy does before `up`: write the version into `.env`."""
    (project / ".env").write_text(f"APP_VERSION={version}\n")


def write_history(project: Path, environment: Mapping[str, str]) -> bool:
    """Make the project a git repository with a tag for each release; False without git."""
    git = shutil.which("git")
    if git is None:
        return False
    me = ("-c", "user.name=Samokoder", "-c", "user.email=dev@samokoder.example")
    quiet = ("-c", "init.defaultBranch=main", "-c", "commit.gpgsign=false", "-c", "gc.auto=0")

    def run(*words: str, at: str = "") -> None:
        argv = (git, *me, *quiet, *words)
        dated = {**environment, "GIT_AUTHOR_DATE": at, "GIT_COMMITTER_DATE": at}
        subprocess.run(argv, cwd=project, env=dated, check=True, capture_output=True)

    (project / ".gitignore").write_text(".env\n")
    run("init", "-q")
    run("add", ".")
    for release in RELEASES[:4]:
        at = release.built_at.isoformat()
        for subject in release.commits:
            run("commit", "-q", "--allow-empty", "-m", subject, at=at)
        run("tag", release.version)
    return True
