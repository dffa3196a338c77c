"""Runs another program that ends when its owner ends.

`python -m rollbot.demo.bound OWNER_PID SIGNAL USER PROGRAM ARGUMENT...` keeps its process id: the
program replaces it, so whoever started it may wait for it and signal it. SIGNAL is what the
kernel sends it when its owner ends; USER is whom it runs as, by number (`65534:65534`), or `-`.
"""

from __future__ import annotations

import os
import signal
import sys

from rollbot.demo.death import die_with


def main() -> None:
    """Tie this process to its owner, then become the program."""
    owner_pid, ending, user, *argv = sys.argv[1:]
    if user != "-":
        uid, gid = map(int, user.split(":"))
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    # After the change of user, which clears it (prctl(2), PR_SET_PDEATHSIG).
    die_with(int(owner_pid), signal.Signals(int(ending)))
    os.execv(argv[0], argv)


if __name__ == "__main__":
    main()
