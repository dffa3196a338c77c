"""Replacing a file so that a crash at any moment leaves the old bytes or the new ones."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from commands.domain.errors import ConfigFileError, DiskFullError

_FRESH_MODE = 0o644


def read_bytes(path: Path) -> bytes | None:
    """The file's bytes; None if there is no such file. Raises ConfigFileError."""
    with _translated(path):
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None


def keep_copy(path: Path, kept: Path) -> None:
    """Have a copy of `path` at `kept`, durable and with the same mode and owner.

    A copy that is there already is left as it is: the first one is what stood before the
    rollback, so this is safe to repeat. A missing `path` leaves nothing to keep. Raises
    ConfigFileError, DiskFullError.
    """
    path = path.resolve()
    content = read_bytes(path)
    with _translated(kept):
        if content is None or kept.exists():
            _new_name(kept).unlink(missing_ok=True)
            return
        if not kept.parent.is_dir():
            # Copies of an env file are nobody else's to read; the folder is as closed as they are.
            kept.parent.mkdir(mode=0o700)
            _sync_folder(kept.parent.parent)
        new = _written(kept, content, like=path)
        # A link, unlike a rename, never replaces what somebody else has put there meanwhile.
        _link_if_missing(new, kept)
        new.unlink()
        _sync_folder(kept.parent)


def replace(path: Path, content: bytes) -> None:
    """Put `content` at `path` whole: new file, fsync, rename, fsync of the folder.

    Mode and owner stay; a symbolic link stays one and its target is replaced. Safe to repeat.
    Raises ConfigFileError, DiskFullError.
    """
    path = path.resolve()
    with _translated(path):
        new = _written(path, content, like=path)
        new.replace(path)
        _sync_folder(path.parent)


def replace_closed(path: Path, content: bytes) -> None:
    """The same for a file of our own that is nobody else's to read (mode 0600).

    In a folder that others may write to: a link that stands there is replaced, never followed.
    """
    with _translated(path):
        new = _written(path, content, like=None)
        new.replace(path)
        _sync_folder(path.parent)


def discard(path: Path) -> None:
    """Remove the file and what a failed `replace` left beside it. Safe to repeat."""
    with _translated(path):
        _new_name(path).unlink(missing_ok=True)
        path.unlink(missing_ok=True)


def _written(path: Path, content: bytes, like: Path | None) -> Path:
    """A durable new file beside `path`. Its name is fixed: what a crash left is taken over."""
    new = _new_name(path)
    new.unlink(missing_ok=True)
    # O_EXCL: nobody's link is followed. Closed to others until it has the right owner.
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        if like is not None:
            _take_after(descriptor, like)
        os.fsync(descriptor)
    return new


def _new_name(path: Path) -> Path:
    return path.with_name(f".{path.name}.rollbot-new")


def _take_after(descriptor: int, like: Path) -> None:
    try:
        original = like.stat()
    except FileNotFoundError:
        os.fchmod(descriptor, _FRESH_MODE)
        return
    mine = os.fstat(descriptor)
    if (mine.st_uid, mine.st_gid) != (original.st_uid, original.st_gid):
        os.fchown(descriptor, original.st_uid, original.st_gid)
    os.fchmod(descriptor, stat.S_IMODE(original.st_mode))


def _link_if_missing(new: Path, kept: Path) -> None:
    try:
        kept.hardlink_to(new)
    except FileExistsError:
        return


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFullError(path=str(path)) from error
        raise ConfigFileError(str(path), error.strerror or str(error)) from error
