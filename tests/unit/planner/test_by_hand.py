"""The commands for doing it without rollbot."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from commands.domain.errors import RequestError
from commands.planner.by_hand import by_hand
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
    assert "until curl -fsS http://api/health; do sleep 1; done" in lines


@pytest.mark.parametrize("old", ["APP_VERSION=v1.3.0\nOTHER=1\n", "OTHER=1", ""])
def test_the_pinning_lines_really_pin(tmp_path: Path, old: str) -> None:
    """A shell that runs the lines leaves exactly one version behind, and every other key."""
    (tmp_path / ".env").write_text(old)
    lines = [n for n in by_hand(request(), runbook()) if n.startswith(("cp", "unset", "sed"))]
    subprocess.run(["/bin/sh", "-euc", "\n".join(lines)], cwd=tmp_path, check=True)
    kept = [n for n in (tmp_path / ".env").read_text().splitlines() if n]
    assert [n for n in kept if n.startswith("APP_VERSION")] == ["APP_VERSION=v1.2.3"]
    assert ("OTHER=1" in kept) == ("OTHER" in old)
    assert (tmp_path / ".env.before").read_text() == old


def test_an_override_is_written_beside_the_teams_own(tmp_path: Path) -> None:
    """With override pins the file that the team keeps is not overwritten."""
    lines = by_hand(request("api", "worker"), runbook(compose={"pin": "override"}))
    (line,) = (n for n in lines if n.startswith("printf"))
    subprocess.run(["/bin/sh", "-euc", line], cwd=tmp_path, check=True)
    assert (tmp_path / "docker-compose.by-hand.yml").read_text() == (
        "services:\n  api:\n    image: registry:5000/samokoder-api:v1.2.3\n"
        "  worker:\n    image: registry:5000/samokoder-worker:v1.2.3\n"
    )
    (up,) = (n for n in lines if " up " in n)
    assert "-f docker-compose.by-hand.yml" in up


def test_without_a_version_it_says_so() -> None:
    """`--auto` needs the journal, which may be away: by hand a version must be named."""
    with pytest.raises(RequestError) as refused:
        by_hand(request(auto=True), runbook())
    assert refused.value.key == "refused.by_hand_version"
