"""What every `History` promises: the fake, and real repositories."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from commands.ports import History
from tests.fakes.history import FakeHistory
from workers.adapters.git import GitHistory
from workers.adapters.surroundings import Surroundings

SURROUNDINGS = Surroundings({"PATH": os.environ["PATH"], "HOME": "/nonexistent"})
SUBJECTS = ("first", "payments: limit — лимит", "fix `$(id)`", "last")
TAGGED = {"v1.2.2": 0, "v1.2.3": 1, "v1.3.0": 3}


def git(folder: Path, *words: str, at: int = 0) -> None:
    moment = f"2026-11-22T12:00:{at:02d}Z"
    environment = {
        "PATH": os.environ["PATH"],
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_AUTHOR_DATE": moment,
        "GIT_COMMITTER_DATE": moment,
    }
    identity = ("-c", "user.name=Dev", "-c", "user.email=dev@example.org")
    subprocess.run(
        ["git", "-C", folder, *identity, *words], env=environment, check=True, capture_output=True
    )


def repository(folder: Path) -> Path:
    """Four commits, three tags, and more tags of no good name."""
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    for at, subject in enumerate(SUBJECTS):
        git(folder, "commit", "-q", "--allow-empty", "-m", subject, at=at)
        for tag, commit in TAGGED.items():
            if commit == at:
                git(folder, "tag", "-a", tag, "-m", tag, at=at)
    return folder


@pytest.fixture(params=["fake", "git"])
def history(request: pytest.FixtureRequest, tmp_path: Path) -> History:
    """The same four commits and three tags."""
    if request.param == "fake":
        return FakeHistory([f"abc1234 {subject}" for subject in SUBJECTS], dict(TAGGED))
    return GitHistory(str(repository(tmp_path / "samokoder")), SURROUNDINGS)


def test_tags_come_newest_first(history: History) -> None:
    """By the time of tagging, not by name."""
    assert history.tags() == ("v1.3.0", "v1.2.3", "v1.2.2")


def test_commits_between_two_tags(history: History) -> None:
    """What a rollback undoes: one line a commit, newest first, without the older tag's own."""
    lines = history.commits_between("v1.2.3", "v1.3.0")

    assert [line.partition(" ")[2] for line in lines] == ["last", "fix `$(id)`"]
    assert all(len(line.partition(" ")[0]) >= 7 for line in lines)
    assert history.commits_between("v1.3.0", "v1.2.3") == ()


@pytest.mark.parametrize("tag", ["v9.9.9", "--all", "-n1", "", "HEAD", "v1.2.3^", "v1..v2", "a b"])
def test_what_is_no_known_tag_has_no_commits(history: History, tag: str) -> None:
    """Options, expressions and unknown names are never taken for revisions."""
    assert history.commits_between(tag, "v1.3.0") == ()
    assert history.commits_between("v1.2.2", tag) == ()


@pytest.mark.parametrize("folder", ["", "/nonexistent/samokoder"])
def test_no_repository_means_nothing_is_known(folder: str) -> None:
    """A plan without its list of commits is still a plan."""
    history = GitHistory(folder, SURROUNDINGS)

    assert history.tags() == ()
    assert history.commits_between("v1.2.3", "v1.3.0") == ()


def test_no_git_means_nothing_is_known(tmp_path: Path) -> None:
    """A host without the program is no error either."""
    assert GitHistory(str(tmp_path), Surroundings({"PATH": "/nonexistent"})).tags() == ()


def test_at_most_fifty_commits_are_told(tmp_path: Path) -> None:
    """A card has its limits."""
    folder = repository(tmp_path / "samokoder")
    for _ in range(60):
        git(folder, "commit", "-q", "--allow-empty", "-m", "more")
    git(folder, "tag", "v2")

    assert len(GitHistory(str(folder), SURROUNDINGS).commits_between("v1.3.0", "v2")) == 50


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give a folder away")
def test_a_checkout_of_another_owner_is_read(tmp_path: Path) -> None:
    """The worker rarely owns the team's checkout; the runbook has named it."""
    folder = repository(tmp_path / "samokoder")
    for path in (folder, *folder.rglob("*")):
        os.chown(path, 12345, 12345)

    assert GitHistory(str(folder), SURROUNDINGS).tags() == ("v1.3.0", "v1.2.3", "v1.2.2")


@pytest.mark.parametrize("setting", ["core.fsmonitor", "core.pager", "log.showSignature"])
def test_what_the_repository_configures_is_not_run(
    tmp_path: Path, setting: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """A checkout is data: its configuration starts no program of its own."""
    folder = repository(tmp_path / "samokoder")
    ran = tmp_path / "ran"
    value: Callable[[], str] = lambda: "true" if "show" in setting else f"touch {ran}"  # noqa: E731
    git(folder, "config", setting, value())
    git(folder, "config", "gpg.program", f"touch {ran}")
    history = GitHistory(str(folder), SURROUNDINGS)

    assert history.tags()
    assert history.commits_between("v1.2.2", "v1.3.0")
    assert not ran.exists()
