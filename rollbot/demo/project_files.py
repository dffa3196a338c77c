"""The demo's Compose project: its files, its releases and its git history."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ruamel.yaml import YAML

from rollbot.demo.places import SERVICES, Places
from rollbot.demo.projects import URL_VARIABLE


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
    Release("v1.4.0", _on(29), ("Describe and tag projects (migration r06)",)),
    Release("v1.5.0", _on(30), ("Invoices (migration r07a)", "Last login (migration r07b)")),
    Release("v1.9.8", _on(25), ("Read settings from the vault",)),
    Release("v1.9.9", _on(26), ("Wait for the vault at start",)),
)


STORES = {"db": ("postgres", "15"), "redis": ("redis", "7")}
"""The stateful services: repository and tag of their images."""


def write_project(
    places: Places,
    repository: Callable[[str], str],
    registry: str,
    mounts: tuple[str, ...] = (),
    database_url: str = "",
) -> None:
    """Write the Compose file: one APP_VERSION for all three services, as in life (hazard H7).

    `mounts` are folders of this machine that every container sees, read-only, where they are.
    With `database_url` api and worker get it, by way of `.env`.
    """
    services: dict[str, dict[str, object]] = {}
    for service in SERVICES:
        services[service] = {
            "image": f"{repository(service)}:${{APP_VERSION:?set a version}}",
            "ports": [f"127.0.0.1:{places.ports[service]}:8000"],
        }
    for service in ("api", "worker") if database_url else ():
        services[service]["environment"] = {URL_VARIABLE: f"${{{URL_VARIABLE}}}"}
    for service, (store, tag) in STORES.items():
        services[service] = {"image": f"{registry}/{store}:{tag}"}
    for body in services.values():
        body["restart"] = "unless-stopped"
        if mounts:
            body["volumes"] = [f"{folder}:{folder}:ro" for folder in mounts]
    document = {"version": "3.3", "services": services}
    YAML(typ="safe").dump(document, places.project / "docker-compose.yml")
    if database_url:
        (places.project / ".env").write_text(f"{URL_VARIABLE}={database_url}\n")


def pin(project: Path, version: str) -> None:
    """What the demo's deploy does before `up`: write the version into `.env`."""
    file = project / ".env"
    lines = file.read_text().splitlines() if file.exists() else []
    others = [line for line in lines if not line.startswith("APP_VERSION=")]
    file.write_text("\n".join((*others, f"APP_VERSION={version}")) + "\n")


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
    for release in RELEASES[:6]:
        at = release.built_at.isoformat()
        for subject in release.commits:
            run("commit", "-q", "--allow-empty", "-m", subject, at=at)
        run("tag", release.version)
    return True
