"""Runs another program that ends when its owner ends.

`python -m rollbot.demo.bound OWNER_PID PROGRAM ARGUMENT...` keeps its process id: the program
replaces it, so whoever started it may wait for it and signal it.
"""

from __future__ import annotations

import os
import signal
import sys

from rollbot.demo.death import die_with


def main() -> None:
    """Tie this process to its owner, then become the program."""
    owner_pid, *argv = sys.argv[1:]
    die_with(int(owner_pid), signal.SIGTERM)
    os.execv(argv[0], argv)


if __name__ == "__main__":
    main()
