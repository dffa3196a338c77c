"""A crash at any moment leaves the old file or the new one."""

from __future__ import annotations

import os
import signal
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from commands.domain.errors import ConfigFileError
from workers.adapters import atomic_file
from workers.adapters.atomic_file import keep_copy, replace

OLD, NEW = b"A=1\nAPP_VERSION=v1.3.0\n", b"A=1\nAPP_VERSION=v1.2.3\n"


def killed_at_line(number: int, work: Callable[[], None]) -> bool:
    """Run `work` in a child that ends by SIGKILL before the n-th line of the module runs."""
    child = os.fork()
    if child == 0:
        left = number

        def trace(frame: FrameType, event: str, _: Any) -> Any:
            nonlocal left
            if frame.f_code.co_filename != atomic_file.__file__:
                return None
            if event == "line":
                left -= 1
                if left < 0:
                    os.kill(os.getpid(), signal.SIGKILL)
            return trace

        sys.settrace(trace)
        work()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def test_a_kill_at_every_line_leaves_old_or_new(tmp_path: Path) -> None:
    """Wherever kill -9 strikes, both files are whole, and doing it again completes it (case 54)."""
    number, seen = 0, set()
    while True:
        folder = tmp_path / str(number)
        folder.mkdir()
        path, kept = folder / ".env", folder / ".env.before"
        path.write_bytes(OLD)

        def work(path: Path = path, kept: Path = kept) -> None:
            keep_copy(path, kept)
            replace(path, NEW)

        was_killed = killed_at_line(number, work)
        now = path.read_bytes()
        seen.add(now)
        assert now in (OLD, NEW)
        assert not kept.exists() or kept.read_bytes() == OLD
        assert now == OLD or kept.exists()

        work()
        assert (path.read_bytes(), kept.read_bytes()) == (NEW, OLD)
        assert sorted(entry.name for entry in folder.iterdir()) == [".env", ".env.before"]
        if not was_killed:
            break
        number += 1
    assert number > 30
    assert seen == {OLD, NEW}


def test_a_kept_file_is_never_overwritten(tmp_path: Path) -> None:
    """Undo needs what stood before the rollback, however often a step is repeated."""
    path, kept = tmp_path / ".env", tmp_path / ".env.before"
    path.write_bytes(OLD)
    keep_copy(path, kept)
    path.write_bytes(NEW)

    keep_copy(path, kept)

    assert kept.read_bytes() == OLD


def test_mode_and_owner_stay(tmp_path: Path) -> None:
    """A file of secrets does not become readable to others, not even its copy."""
    path, kept = tmp_path / ".env", tmp_path / ".env.before"
    path.write_bytes(OLD)
    path.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(path, 1234, 4321)
    before = path.stat()

    keep_copy(path, kept)
    replace(path, NEW)

    for file in (path, kept):
        now = file.stat()
        assert stat.S_IMODE(now.st_mode) == 0o640
        assert (now.st_uid, now.st_gid) == (before.st_uid, before.st_gid)


def test_a_symbolic_link_stays_one(tmp_path: Path) -> None:
    """`.env -> .env.prod` goes on pointing there, and the target changes."""
    target, link = tmp_path / ".env.prod", tmp_path / ".env"
    target.write_bytes(OLD)
    link.symlink_to(target.name)

    replace(link, NEW)

    assert link.is_symlink()
    assert target.read_bytes() == NEW


def test_nothing_that_lies_in_the_way_is_followed(tmp_path: Path) -> None:
    """A link planted at the name of the new file does not make us write elsewhere."""
    path, victim = tmp_path / ".env", tmp_path / "victim"
    path.write_bytes(OLD)
    victim.write_bytes(b"mine")
    (tmp_path / "..env.rollbot-new").symlink_to(victim)

    replace(path, NEW)

    assert victim.read_bytes() == b"mine"
    assert path.read_bytes() == NEW


def test_a_folder_that_is_not_there_is_an_error_about_that_file(tmp_path: Path) -> None:
    """The error names the path and the reason."""
    with pytest.raises(ConfigFileError) as refused:
        replace(tmp_path / "gone" / ".env", NEW)

    assert refused.value.path == str(tmp_path / "gone" / ".env")


def test_the_folder_of_kept_copies_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    """A first rollback finds no such folder; what it keeps there may hold secrets."""
    path, kept = tmp_path / ".env", tmp_path / ".rollbot" / ".env.0e99"
    path.write_bytes(OLD)

    keep_copy(path, kept)

    assert kept.read_bytes() == OLD
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700
