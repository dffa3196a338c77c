"""Files in a folder that others may write to, too."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO


def opened(path: Path, *, is_link_good: bool = False) -> BinaryIO:
    """A plain file, open for reading; what would have to be waited for is refused.

    Raises OSError for what is not there, for a pipe, a device, a folder, and, unless
    `is_link_good`, for a link.
    """
    # O_NONBLOCK: a pipe that nobody writes to is opened at once (open(2)), and then refused.
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
    descriptor = os.open(path, flags if is_link_good else flags | os.O_NOFOLLOW)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "is no plain file", str(path))
    return os.fdopen(descriptor, "rb")
