"""What a process prints when something goes wrong holds no secret, known late or early."""

from __future__ import annotations

import subprocess
import sys

SECRET, LATE = "xyz-4711-opaque", "learnt-0815-later"
PROGRAM = f"""
import logging, structlog
from rollbot.logs import configure
redactor = configure()
redactor.register({LATE!r})
late = {LATE!r}
structlog.get_logger().warning("said", why=late, argv=["--with", late], at=ValueError(late))
try:
    raise ValueError("redis://:{SECRET}@cache {LATE}")
except ValueError:
    logging.getLogger("library").exception("it said {LATE}")
    structlog.get_logger().error("failed", exc_info=True)
raise RuntimeError("redis://:{SECRET}@cache {LATE}")
"""


def test_no_log_line_and_no_traceback_shows_a_secret() -> None:
    """Our own lines, a library's, its traceback, and the interpreter's last words."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={"ROLLBOT_JOURNAL_KEY_TEST": SECRET * 3, "PYTHONPATH": "."},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr.count("Traceback") == 3
    assert SECRET not in done.stderr
    assert LATE not in done.stderr
    assert done.stderr.count("***") >= 8
