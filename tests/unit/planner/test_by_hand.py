"""The commands for doing it without rollbot."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from commands.domain.errors import RequestError
from commands.planner.by_hand import by_hand, pinned_images
from tests.unit.planner.world import request, runbook


def test_it_pulls_pins_switches_and_looks() -> None:
    """The lines are what the plan would do, in its order, for one service."""
    lines = by_hand(request(), runbook(compose={"generation": "v1"}))
    assert lines[0] == "cd /opt/samokoder"
    assert lines[1] == "docker pull registry:5000/samokoder-api:v1.2.3"
    assert "unset APP_VERSION" in lines
    assert (
        "docker-compose -p samokoder -f docker-compose.yml up -d --no-deps --no-build api" in lines
    )
    assert "timeout 60 sh -c 'until curl -fsS http://api/health; do sleep 1; done'" in lines


@pytest.mark.parametrize("old", ["APP_VERSION=v1.3.0\nOTHER=1\n", "OTHER=1", ""])
def test_the_pinning_lines_really_pin(tmp_path: Path, old: str) -> None:
    """A shell that runs the lines leaves exactly one version behind, and every other key."""
    (tmp_path / ".env").write_text(old)
    lines = [n for n in by_hand(request(), runbook()) if n.startswith(("test", "unset", "sed"))]
    for _ in range(2):  # typed again, the file as it was at first is still there
        subprocess.run(["/bin/sh", "-euc", "\n".join(lines)], cwd=tmp_path, check=True)
    kept = [n for n in (tmp_path / ".env").read_text().splitlines() if n]
    assert [n for n in kept if n.startswith("APP_VERSION")] == ["APP_VERSION=v1.2.3"]
    assert ("OTHER=1" in kept) == ("OTHER" in old)
    assert (tmp_path / ".env.before").read_text() == old


OVERRIDE = (
    'version: "3"\nservices:\n  api:\n    image: registry:5000/samokoder-api:v1.2.3\n'
    "  worker:\n    image: registry:5000/samokoder-worker:v1.2.3\n"
)


@pytest.mark.parametrize("old", ["", "services: {api: {cpus: 2}}\n"])
def test_an_override_is_written_beside_the_teams_own(tmp_path: Path, old: str) -> None:
    """The override file is made where there is none; the team's own is not overwritten."""
    override = tmp_path / "docker-compose.override.yml"
    if old:
        override.write_text(old)
    lines = by_hand(request("api", "worker"), runbook(compose={"pin": "override"}))
    written = [n for n in lines if "printf" in n]
    subprocess.run(["/bin/sh", "-euc", "\n".join(written)], cwd=tmp_path, check=True)

    assert (tmp_path / "docker-compose.by-hand.yml").read_text() == OVERRIDE
    assert override.read_text() == (old or OVERRIDE)


@pytest.mark.parametrize("files", [["a.yml"], ["a.yml", "docker-compose.override.yml", "b.yml"]])
def test_our_own_file_comes_last(files: list[str]) -> None:
    """Compose lets the last file win: that one has the images, whatever the team's files say."""
    compose = {"pin": "override", "files": files}
    (up,) = (n for n in by_hand(request(), runbook(compose=compose)) if " up " in n)
    assert "-f docker-compose.override.yml" in up
    assert up.partition(" up ")[0].endswith("-f docker-compose.by-hand.yml")


def test_what_the_override_file_must_say_is_told() -> None:
    """Only the override file outlives the incident, so its images are named; a variable does."""
    assert pinned_images(request(), runbook(compose={"pin": "override"})) == (
        "api: registry:5000/samokoder-api:v1.2.3",
    )
    assert pinned_images(request(), runbook()) == ()


def test_without_a_version_it_says_so() -> None:
    """`--auto` needs the journal, which may be away: by hand a version must be named."""
    with pytest.raises(RequestError) as refused:
        by_hand(request(auto=True), runbook())
    assert refused.value.key == "refused.by_hand_version"
