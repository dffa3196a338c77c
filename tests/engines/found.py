"""Which real engines answer on this machine, as `scripts/engines status` says."""

import os
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NoReturn

import pytest

ROOT = Path(__file__).resolve().parents[2]
LEFT_OUT = "left out for want of "


@cache
def engines() -> Mapping[str, str]:
    """Engine -> its address or program. Asked once: engines do not come and go during a run."""
    answer = subprocess.run(
        [ROOT / "scripts" / "engines", "status"], capture_output=True, text=True, check=True
    )
    return dict(line.split("=", 1) for line in answer.stdout.splitlines())


def address_of(engine: str) -> str:
    """Where the engine is; a test that needs an engine that is not there ends here."""
    found = engines().get(engine)
    return found if found is not None else _leave_out(engine)


def required() -> bool:
    """Whether a test that is left out is a failure, as it is where changes land."""
    return os.environ.get("ROLLBOT_REQUIRE_ENGINES") == "1"


def _leave_out(engine: str) -> NoReturn:
    pytest.skip(f"{LEFT_OUT}{engine}; `make engines` installs and starts it")
